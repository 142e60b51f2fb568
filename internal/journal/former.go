package journal

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Former turns the text that a change made back into the one that it found.
type Former []Splice

// Splice replaces the Cut bytes at offset At of the later text by Text, or by Raw where the former
// bytes are not valid UTF-8, which JSON cannot hold.
type Splice struct {
	At   int    `json:"at"`
	Cut  int    `json:"cut,omitempty"`
	Text string `json:"text,omitempty"`
	Raw  []byte `json:"raw,omitempty"`
}

// FormerOf compares a text before and after a change. A change touches lines of the front matter,
// of the body, or both, far apart; so each of the two is compared for itself, and what is kept is
// what lies between the first and the last difference.
func FormerOf(before, after []byte) Former {
	i, j := bodyStart(before), bodyStart(after)
	var f Former
	f = f.add(before[:i], after[:j], 0)
	return f.add(before[i:], after[j:], j)
}

// bodyStart is where the line behind the closing fence begins, 0 if there is none.
func bodyStart(text []byte) int {
	const fence = "\n---"
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(fence))
		if i < 0 {
			return 0
		}
		from += i + len(fence)
		if rest := bytes.TrimPrefix(text[from:], []byte("\r")); bytes.HasPrefix(rest,
			[]byte("\n")) {
			return len(text) - len(rest) + 1
		}
	}
}

// add appends the splice that makes the part after, at offset at of the later text, the part
// before.
func (f Former) add(before, after []byte, at int) Former {
	if bytes.Equal(before, after) {
		return f
	}
	shorter := min(len(before), len(after))
	head := 0
	for head < shorter && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < shorter-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	s := Splice{At: at + head, Cut: len(after) - tail - head}
	if old := before[head : len(before)-tail]; utf8.Valid(old) {
		s.Text = string(old)
	} else {
		s.Raw = bytes.Clone(old)
	}
	return append(f, s)
}

// errNotFormer says that a text cannot be made from the one at hand.
var errNotFormer = errors.New("the former text cannot be made from what the row keeps")

// Restore returns the bytes that the row's change found, given those that it left. It never returns
// others: both are compared with the row's hashes. A ticket that the change created has none, nil.
func (r Row) Restore(after []byte) ([]byte, error) {
	if HashOf(after) != r.After {
		return nil, errors.New("the text is not the one that the row left")
	}
	if r.Before == "" {
		return nil, nil
	}
	before := make([]byte, 0, len(after))
	from := 0
	for _, s := range r.Former {
		if s.At < from || s.Cut < 0 || s.Cut > len(after)-s.At {
			return nil, errNotFormer
		}
		before = append(before, after[from:s.At]...)
		before = append(append(before, s.Text...), s.Raw...)
		from = s.At + s.Cut
	}
	before = append(before, after[from:]...)
	if HashOf(before) != r.Before {
		return nil, errNotFormer
	}
	return before, nil
}

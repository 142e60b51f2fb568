package tools

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// scores are how well the tickets match, 0 where they do not have all words or are not wanted. All
// processors read: of each ticket its file as it is now, so that nothing is kept that could be old.
// It takes 2 bytes a ticket and, a processor, some four times the longest body.
func (q query) scores(v *ticketfs.Snapshot, ids []string,
	wanted func(document.Ticket) bool) (scores []uint16, err error) {
	if len(q) == 0 {
		return nil, nil
	}
	scores = make([]uint16, len(ids))
	const perReader = 64 // what one reads in the time in which another one begins
	readers := min(runtime.GOMAXPROCS(0), len(ids)/perReader+1)
	errs := make([]error, readers)
	var all sync.WaitGroup
	for n := range readers {
		from, to := len(ids)*n/readers, len(ids)*(n+1)/readers
		all.Go(func() { errs[n] = q.scoreSome(v, ids[from:to], wanted, scores[from:to]) })
	}
	all.Wait()
	return scores, errors.Join(errs...)
}

func (q query) scoreSome(v *ticketfs.Snapshot, ids []string, wanted func(document.Ticket) bool,
	scores []uint16) error {
	bodies, err := v.Bodies()
	if err != nil {
		return err
	}
	defer bodies.Close()
	f := finder{bodies: bodies, folding: folding{caser: cases.Fold()}}
	for i, id := range ids {
		t, err := v.Get(id)
		if err != nil || !wanted(t) {
			continue
		}
		f.id, f.read = id, false
		if score, has := q.score(t, f.has); has == len(q) {
			scores[i] = uint16(score)
		}
	}
	return nil
}

// finder looks for words in the bodies of tickets, one after the other.
type finder struct {
	bodies *ticketfs.Bodies
	id     string
	read   bool // whether the folded text is of this ticket
	folding
}

// has reports whether a folded word is in the body of the ticket.
func (f *finder) has(word string) bool {
	if !f.read {
		f.fold(f.bodies.Of(f.id))
		f.read = true
	}
	return bytes.Contains(f.text, []byte(word))
}

// folding folds texts one after the other, in memory that it keeps.
type folding struct {
	text         []byte // the last one, folded
	word, normal []byte
	caser        transform.Transformer
}

// fold makes a text one in which the folded words are that fold gives: blanks, which no word has, may
// be others. Only words with other letters than those of ASCII are looked at closely: neither a
// normal form nor the case of a letter depends on what stands beyond a blank.
func (f *folding) fold(text []byte) {
	f.text = slices.Grow(f.text[:0], len(text))[:len(text)]
	var all byte
	for i, c := range text {
		all |= c
		f.text[i] = lower[c]
	}
	if all < utf8.RuneSelf {
		return
	}
	folded := f.text[:0]
	begin, at, other := 0, 0, false // of the word: where it begins in both, and whether it has others
	for i, c := range text {
		folded = append(folded, lower[c])
		switch {
		case c >= utf8.RuneSelf:
			other = true
		case c == ' ' || '\t' <= c && c <= '\r':
			if other {
				folded, other = f.foldWord(folded[:at], text[begin:i+1]), false
			}
			begin, at = i+1, len(folded)
		}
	}
	if other {
		folded = f.foldWord(folded[:at], text[begin:])
	}
	f.text = folded
}

// foldWord appends a folded word.
func (f *folding) foldWord(dst, word []byte) []byte {
	if !isNormal(word) {
		f.normal = norm.NFKC.Append(f.normal[:0], word...)
		word = f.normal
	}
	var err error
	if f.word, _, err = transform.Append(f.caser, f.word[:0], word); err != nil {
		return append(dst, fold(string(word))...) // none that a folding of letters can have
	}
	if isNormal(f.word) {
		return append(dst, f.word...)
	}
	return norm.NFKC.Append(dst, f.word...)
}

// isNormal reports whether a text is certainly of the form NFKC, as most are: to make one costs
// memory each time.
func isNormal(text []byte) bool { return norm.NFKC.QuickSpan(text) == len(text) }

// lower are the letters of ASCII as small ones, and all other bytes as they are.
var lower = func() (table [256]byte) {
	for c := range table {
		table[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			table[c] += 'a' - 'A'
		}
	}
	return table
}()

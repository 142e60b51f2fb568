package journal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Cause is who made a change and why. One call that changes several tickets gives each the same.
type Cause struct {
	Call   string `json:"call,omitempty"`   // see NewCall
	Actor  string `json:"actor,omitempty"`  // name@key, or a person
	Client string `json:"client,omitempty"` // the client program's name
	Tool   string `json:"tool,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Row is one change of one ticket.
type Row struct {
	Time   time.Time `json:"time"`
	Ticket string    `json:"ticket"`
	Cause
	From   string  `json:"from,omitempty"` // status before, "" for a ticket that was created
	To     string  `json:"to,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	Before Hash    `json:"before,omitempty"`
	After  Hash    `json:"after,omitempty"`
	Former Former  `json:"former,omitempty"`
}

// Field is a field of the front matter that a change gave another value.
type Field struct {
	Key string `json:"key"`
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// Outside is the tool of a row that nobody wrote: the ticket's bytes are not those that its last
// row left, so another program changed them, or a process died before it could append its row.
const Outside = "outside"

// Gap is the tool of a row for changes of a shared board whose rows this machine has missed, since
// it was away for longer than they are kept.
const Gap = "gap"

// IsOutside reports whether the row was derived by the reader.
func (r Row) IsOutside() bool { return r.Tool == Outside }

// ID names the row: its ticket and its call. An outside row has none.
func (r Row) ID() string {
	if r.IsOutside() {
		return ""
	}
	return r.Ticket + ":" + r.Call
}

// ParseID splits what ID returned.
func ParseID(id string) (ticket, call string, err error) {
	ticket, call, found := strings.Cut(id, ":")
	if !found || ticket == "" || call == "" {
		return "", "", fmt.Errorf("%q is no row: one reads TICKET:CALL, as history prints it", id)
	}
	return ticket, call, nil
}

// NewCall returns a name for a call that no other call on the board is likely to have.
func NewCall() string { return strings.ToLower(rand.Text()[:8]) }

// Hash is the SHA-256 of a ticket's bytes in hex, "" where there was no file.
type Hash string

// HashOf returns the hash of content, "" for nil.
func HashOf(content []byte) Hash {
	if content == nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return Hash(hex.EncodeToString(sum[:]))
}

func (h Hash) valid() bool {
	if h == "" {
		return true
	}
	_, err := hex.DecodeString(string(h))
	return err == nil && len(h) == 2*sha256.Size
}

// What a row says is bounded; what it keeps to restore the former text is bounded by the ticket.
const (
	maxReason = 500 // characters
	maxValue  = 200
	maxFields = 20
	maxRow    = 8 << 20 // bytes; a longer line is no row
)

// encode returns the row as it stands in the file. It begins with a newline too, so that it is
// whole also behind one that was torn.
func (r Row) encode() ([]byte, error) {
	r.Time = r.Time.UTC()
	r.Reason = shorten(r.Reason, maxReason)
	fields := make([]Field, 0, min(len(r.Fields), maxFields))
	for _, f := range r.Fields[:cap(fields)] {
		fields = append(fields, Field{f.Key, shorten(f.Old, maxValue), shorten(f.New, maxValue)})
	}
	r.Fields = fields
	var b bytes.Buffer
	b.WriteByte('\n')
	e := json.NewEncoder(&b) // it ends the row with a newline
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("encode journal row: %w", err)
	}
	return b.Bytes(), nil
}

// shorten cuts a text to at most max characters.
func shorten(s string, max int) string {
	if len(s) <= max {
		return s
	}
	n := 0
	for i := range s {
		if n == max {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// decode reads a line of a ticket's journal. What is no whole row of that ticket is not ok.
func decode(ticket string, line []byte) (r Row, ok bool) {
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &r) != nil {
		return Row{}, false
	}
	return r, r.Ticket == ticket && r.Sound()
}

// Sound reports whether a row says what every row that somebody wrote does.
func (r Row) Sound() bool {
	return !r.Time.IsZero() && r.Call != "" && r.Tool != Outside && r.Before.valid() &&
		r.After.valid()
}

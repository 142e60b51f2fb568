package tools

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// scores are how well the tickets match, 0 where they do not have all words or are not wanted. All
// processors read: of each ticket its file as it is now, so that nothing is kept that could be old.
// It takes 2 bytes a ticket and, a processor, three times the longest body.
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
	f := finder{bodies: bodies}
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
	read   bool   // whether text is of this ticket
	text   []byte // folded
}

// has reports whether a folded word is in the body of the ticket.
func (f *finder) has(word string) bool {
	if !f.read {
		f.text, f.read = foldWords(f.text, f.bodies.Of(f.id)), true
	}
	return bytes.Contains(f.text, []byte(word))
}

// foldWords returns a text in a form in which the folded words are that fold gives, in dst where
// there is room: blanks, which no word has, may be others.
func foldWords(dst, text []byte) []byte {
	dst = slices.Grow(dst[:0], len(text))[:len(text)]
	var all byte
	for i, c := range text {
		all |= c
		dst[i] = lower[c]
	}
	if all >= utf8.RuneSelf {
		return append(dst[:0], fold(string(text))...)
	}
	return dst
}

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

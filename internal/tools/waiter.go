package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Waiter waits on a board without locks: it registers for what happens, then looks, then sleeps. So
// nothing is missed and nothing it says is older than the answer. It is for one goroutine.
type Waiter struct {
	c      *call
	in     waitIn
	kind   byte
	wanted readyQuery
	watch  *ticketfs.Watch
	most   int               // tickets that an answer names
	since  *cursor           // to compare the first look with; nil for none
	seen   map[string]uint64 // by the last look; nil before the first
	looks  looks

	sleeps func(why string) // told before each sleep why there is nothing yet; nil for nobody
}

// What is waited for.
const (
	forReady = 'r' // a ticket that can be started
	forIDs   = 'i' // a change of some tickets
	forAny   = 'a' // a change of any ticket that is asked for
)

// NewWaiter is for a command: arguments are those of the tool, and most is how many tickets an
// answer names. What it holds is freed by Close.
func (b *Board) NewWaiter(ctx context.Context, arguments json.RawMessage,
	most int) (*Waiter, error) {
	c := b.newCall("wait")
	in, _, err := decode[waitIn](c, arguments)
	if err != nil {
		return nil, err
	}
	c.attend(ctx)
	return c.newWaiter(in, most)
}

func (c *call) newWaiter(in waitIn, most int) (*Waiter, error) {
	parent, err := parentFilter(in.Parent)
	if err != nil {
		return nil, err
	}
	w := &Waiter{c: c, in: in, most: most, kind: forReady,
		wanted: readyQuery{typ: in.Type, parent: parent, tags: c.lane(in.Tag), limit: math.MaxInt}}
	switch ready := in.Ready != nil && *in.Ready; {
	case len(in.ID) > 0 && (ready || in.Type != "" || in.Parent != nil || in.Tag != ""):
		return nil, ticketfs.Refuse(ticketfs.Invalid, "name ids, or what shall be ready",
			"wait takes id alone")
	case len(in.ID) > 0:
		w.kind = forIDs
	case in.Ready != nil && !ready:
		w.kind = forAny
	}
	for _, id := range in.ID {
		if !document.ValidID(id) {
			return nil, invalidID("id", id)
		}
	}
	if w.since, err = readCursor(w.kind, in.Since); err != nil {
		return nil, err
	}
	w.watch = c.Store.Watch()
	return w, nil
}

// Close ends the waiting.
func (w *Waiter) Close() error { return w.watch.Close() }

// What a board that never rests costs is bounded: of the time, a share of 1/(1+busyShare) goes to
// looks, and no more than a hundred are taken a second. Looks that took less than burst together are
// not made up for: the first wake-up after a sleep is answered at once also where looks take long,
// as they do in a new process, or on a machine that has much else to do.
const (
	busyShare = 10
	burst     = 100 * time.Millisecond
	restAfter = 10 * time.Millisecond
)

// lookAgain is when a board that could not be reached is looked at again.
const lookAgain = time.Second

// looks keeps account of the time that looks took, less what was left to others since.
type looks struct {
	debt time.Duration
	last time.Time // when the last one ended
}

// took notes a look, and returns the time before which there should be no other.
func (l *looks) took(began, ended time.Time) time.Time {
	if !l.last.IsZero() {
		l.debt = max(0, l.debt-began.Sub(l.last)/busyShare)
	}
	l.debt += ended.Sub(began)
	l.last = ended
	next := began.Add(restAfter)
	if due := ended.Add(busyShare * (l.debt - burst)); due.After(next) {
		return due
	}
	return next
}

// Next returns when what is waited for is so, or ctx has reached its deadline or its end by
// errEnded: that is an answer too. Called again it waits for what is new since.
func (w *Waiter) Next(ctx context.Context) (a Answer, holds bool, err error) {
	for last := false; ; {
		if err := w.watch.Arm(); err != nil && ticketfs.CodeOf(err) != ticketfs.NoStore {
			return nil, false, err
		}
		began := time.Now()
		s, err := w.look()
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NoStore && w.seen != nil: // it may come back
		case err != nil:
			return nil, false, err
		case s.older:
			s.again = time.Now().Add(lookAgain)
		default:
			if fresh, holds := w.news(s); holds {
				return w.holds(s, fresh), true, nil
			}
		}
		next := w.looks.took(began, time.Now())
		if last {
			return w.notYet(s), false, nil
		}
		if w.sleeps != nil {
			w.sleeps(s.why)
		}
		if w.watch.Wait(ctx, s.again) == nil {
			pause(ctx, time.Until(next))
		}
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, false, ctx.Err() // nobody waits for the answer
		}
		last = ctx.Err() != nil // and what came at the end counts
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// sight is what one look saw.
type sight struct {
	files map[string]uint64 // what each ticket that is waited for is; 0 for gone
	rows  func(ids []string) []row
	why   string
	again time.Time // when to look again though no file changes; zero for never
	older bool      // the board may have changed unseen: it is no news
}

// bounded gives what follows the time of one call: also the last look, when the time to wait is
// over.
func (w *Waiter) bounded() context.CancelFunc {
	ctx, stop := context.WithTimeout(context.Background(), w.c.Store.LockTimeout)
	w.c.ctx = ctx
	return stop
}

// look sees what is to be seen now.
func (w *Waiter) look() (s sight, err error) {
	defer w.bounded()()
	w.c.folder = nil // the board may have gone, or come back
	w.c.conversation.Lasts()
	if s, err = w.lookAtBoard(); err == nil {
		s.older = w.c.folder.Older() != nil
	}
	return s, err
}

func (w *Waiter) lookAtBoard() (sight, error) {
	switch w.kind {
	case forIDs:
		return w.lookAtIDs()
	case forAny:
		return w.lookAtAll()
	}
	l, err := w.c.readyList(w.wanted)
	if err != nil {
		return sight{}, err
	}
	s := sight{files: make(map[string]uint64, len(l.candidates)),
		why: l.why() + w.c.outsideLane(w.wanted)}
	for _, next := range l.candidates {
		s.files[next.ticket.ID] = 1
	}
	if l.total > 0 {
		s.why = "no other than the " + counted(l.total, "ticket") + " that can be started already"
	}
	s.rows = func(ids []string) (rows []row) {
		for _, next := range l.candidates {
			if slices.Contains(ids, next.ticket.ID) {
				rows = append(rows, next.row())
			}
		}
		return rows
	}
	if !l.again.IsZero() {
		const late = 5 * time.Millisecond
		s.again = time.Now().Add(l.again.Sub(w.c.Now()) + late)
	}
	return s, nil
}

func (w *Waiter) lookAtIDs() (sight, error) {
	folder, err := w.c.open()
	if err != nil {
		return sight{}, err
	}
	s := sight{files: make(map[string]uint64, len(w.in.ID)),
		why: "no change of " + strings.Join(w.in.ID, ", "), rows: w.changedRows}
	for _, id := range w.in.ID {
		sum, err := folder.Hash(id)
		if err != nil && (w.seen == nil || ticketfs.CodeOf(err) != ticketfs.NotFound) {
			return s, err
		}
		if err == nil {
			s.files[id] = number(sum[:])
		} else {
			s.files[id] = 0
		}
	}
	return s, nil
}

func (w *Waiter) lookAtAll() (sight, error) {
	v, err := w.c.snapshot()
	if err != nil {
		return sight{}, err
	}
	s := sight{files: make(map[string]uint64), why: "no change", rows: w.changedRows}
	for _, id := range v.IDs() {
		if !w.wanted.all() {
			if t, err := v.Get(id); err == nil && !w.wanted.matches(t) {
				continue
			}
		}
		s.files[id] = v.Fingerprint(id)
	}
	return s, nil
}

// changedRows are tickets as they are now.
func (w *Waiter) changedRows(ids []string) []row {
	rows := make([]row, 0, len(ids))
	v, err := w.c.snapshot()
	for _, id := range ids {
		r := row{ID: id, Status: "gone"}
		if err == nil {
			switch t, err := v.Get(id); {
			case err == nil:
				r = shortRow(t)
			case ticketfs.CodeOf(err) != ticketfs.NotFound:
				r.Status = malformed
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// news compares a look with what was seen before, and returns the tickets that are news and whether
// the waiting is over. Which tickets changed before this process looked, a cursor does not tell.
func (w *Waiter) news(now sight) (fresh []string, holds bool) {
	before, since := w.seen, w.since
	w.seen, w.since = now.files, nil
	switch {
	case since != nil && w.kind == forReady:
		fresh = since.unknown(now.files)
		return fresh, len(fresh) > 0
	case since != nil:
		if since.digest == digestOf(now.files) {
			return nil, false
		}
		if w.kind == forIDs {
			fresh = w.in.ID
		}
		return fresh, true
	case w.kind != forReady && before == nil:
		return nil, false
	}
	for id, value := range now.files {
		if former, known := before[id]; !known || former != value {
			fresh = append(fresh, id)
		}
	}
	for id := range before {
		if _, is := now.files[id]; !is && w.kind != forReady {
			fresh = append(fresh, id)
		}
	}
	slices.Sort(fresh)
	return fresh, len(fresh) > 0
}

// answer names the first of some tickets.
func (w *Waiter) answer(s sight, ids []string) waitAnswer {
	defer w.bounded()()
	a := waitAnswer{Tickets: []row{}, Cursor: cursorOf(w.kind, w.seen), place: w.c.place(nil)}
	if len(ids) > 0 {
		rows := s.rows(ids)
		a.Tickets = append(a.Tickets, rows[:min(w.most, len(rows))]...)
		a.More = len(rows) - len(a.Tickets)
	}
	return a
}

func (w *Waiter) holds(s sight, fresh []string) waitAnswer {
	a := w.answer(s, fresh)
	switch {
	case w.kind == forReady:
		a.Message = counted(len(fresh), "ticket") +
			" ready; start takes one, unless another agent is faster"
	case len(fresh) == 0:
		a.Message = "the board has changed since then; see history"
	default:
		a.Message = counted(len(fresh), "ticket") + " changed"
	}
	return a
}

// notYet is the answer when the time is over.
func (w *Waiter) notYet(s sight) waitAnswer {
	if w.seen == nil {
		w.seen = s.files
	}
	a := w.answer(s, nil)
	a.TimedOut = true
	a.Message = nothingYet(s.why)
	return a
}

func nothingYet(why string) string { return "nothing yet: " + cmp.Or(why, "the board is gone") }

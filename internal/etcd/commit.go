//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// DefaultTimeout is how long a change is tried that others overtake.
const DefaultTimeout = 10 * time.Second

// What one transaction may hold. The cluster takes 128 operations and 1.5 MiB.
const (
	maxTickets = 120
	maxBytes   = 1 << 20
)

// operation is one change on its way into the cluster.
type operation struct {
	board *Board
	ticketfs.Change
	id        string // drawn once, however often it is tried
	now       time.Time
	place     string // its key in a queue, "" for none
	overtaken bool   // by others, at least once
	// altered is what the last run of the rule met in the mirror that nothing is decided by
	altered *ticketfs.AlteredError
	// unseen is why the last run of the rule could not be shown the other tickets
	unseen error
}

// Change makes a change as one transaction: see the package.
func (b *Board) Change(ctx context.Context, c ticketfs.Change) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	now := b.Now()
	o := &operation{board: b, Change: c, id: newOperation(now), now: now}
	if o.Cause.Call == "" {
		o.Cause.Call = journal.NewCall()
	}
	err := o.run(ctx)
	var ruled *ruledError
	var unknown *unknownError
	late := !errors.As(err, &unknown) && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded))
	switch {
	case late && o.altered != nil:
		err = o.altered
	case errors.As(err, &ruled):
		return ruled.error // unchanged
	case late && o.overtaken && errors.Is(err, context.DeadlineExceeded):
		err = &busyError{o.what() + " was changed by others again and again"}
	}
	return b.refused(err)
}

// ruledError is what a rule said, about what was current.
type ruledError struct{ error }

func (o *operation) what() string {
	if len(o.IDs) == 1 {
		return o.IDs[0]
	}
	return fmt.Sprintf("one of %d tickets", len(o.IDs))
}

func (o *operation) run(ctx context.Context) error {
	if len(o.IDs) == 0 {
		return nil
	}
	if len(o.IDs) > maxTickets {
		return &limitError{fmt.Sprintf("%d tickets in one change, at most %d go into one",
			len(o.IDs), maxTickets)}
	}
	if err := o.board.unchanged(ctx); err != nil {
		return err
	}
	leaveHere, waited := o.queueHere(ctx)
	defer leaveHere()
	defer func() { o.leave(ctx) }()
	f, err := o.read(ctx, !waited)
	if err == nil && f.queued { // to pass those who wait would make them be judged again
		f, err = o.queue(ctx, o.queued())
	}
	for err == nil && f != nil {
		f, err = o.try(ctx, f)
	}
	return err
}

// try runs the rule once and makes what it says. next is what to try with again, nil when it is
// through.
func (o *operation) try(ctx context.Context, f *found) (next *found, err error) {
	if f.shown, err = o.board.Shown.Revision(); err != nil {
		return nil, err
	}
	o.unseen, f.asked = nil, false
	writes, fault := o.decide(ctx, f)
	if o.unseen != nil { // whatever the rule made of that
		return nil, o.unseen
	}
	if errors.Is(fault, context.DeadlineExceeded) || errors.Is(fault, context.Canceled) {
		return nil, &ruledError{fault} // it had no time to look at all that it asks for
	}
	o.altered = nil
	if errors.As(fault, &o.altered) { // nothing was said of the board
		mayLookAgain(ctx)
		return f, nil
	}
	if fault != nil || len(writes) == 0 {
		return o.conclude(ctx, f, fault)
	}
	var edits []edit
	for _, w := range writes {
		id := o.IDs[w.N]
		e := edit{id: id, n: w.N, write: w, before: textOf(id, f.contents[w.N], w.Before),
			after: textOf(id, w.Content, w.After)}
		if e.after.document == nil && (e.before.document != nil || e.before.bytes == nil) {
			_, err := document.Parse(id, w.Content)
			return nil, &malformedError{id, err}
		}
		edits = append(edits, e)
	}
	return o.commit(ctx, f, edits)
}

// malformedError says that a change would have left what is no ticket, where there was one or
// nothing.
type malformedError struct {
	id    string
	fault error
}

func (e *malformedError) Error() string { return e.id + ": " + e.fault.Error() }

// decide runs the rule on what was found. It returns the writes that change something.
func (o *operation) decide(ctx context.Context, f *found) ([]ticketfs.Write, error) {
	contents := make([][]byte, len(f.contents))
	for i := range contents {
		contents[i] = bytes.Clone(f.contents[i])
	}
	writes, err := o.Decide(contents, o.viewer(ctx, f))
	if err != nil {
		return nil, err
	}
	var changes []ticketfs.Write
	for _, w := range writes {
		if w.Content != nil && !(f.contents[w.N] != nil && bytes.Equal(w.Content, f.contents[w.N])) {
			changes = append(changes, w)
		}
	}
	return changes, nil
}

// conclude answers with what the rule said, where that is no transaction: if it was said of what
// was current at a moment of this call. That what is held already is held, is so only while the
// own mark is there.
func (o *operation) conclude(ctx context.Context, f *found, fault error) (*found, error) {
	if fault != nil {
		fault = &ruledError{fault}
	}
	living := o.ownMarks(f, fault)
	if f.current && len(living) == 0 {
		return nil, fault
	}
	if len(living) > 0 { // it may have to sign them again
		if _, err := o.board.lease(ctx); err != nil {
			return nil, err
		}
	}
	t := o.newTransaction()
	t.sameTickets(f)
	if o.Relations && !f.current {
		t.sameRelations(f.seen())
	}
	for _, conversation := range living {
		t.marked(conversation)
	}
	resp, err := o.ask(ctx, t)
	if err != nil {
		return nil, err
	}
	if resp.Succeeded {
		return nil, fault
	}
	return o.overtake(ctx, f, t, resp)
}

// ownMarks are the conversations of this process that hold tickets which a rule left as they are.
func (o *operation) ownMarks(f *found, fault error) []string {
	if fault != nil {
		return nil
	}
	var own []string
	for i, id := range o.IDs {
		t := textOf(id, f.contents[i], nil)
		if key := keyIn(t.claim()); t.started() && o.board.life.signed(key) {
			own = append(own, key)
		}
	}
	return own
}

// ask sends a transaction that changes nothing, as often as needed.
func (o *operation) ask(ctx context.Context, t *transaction) (*clientv3.TxnResponse, error) {
	for {
		resp, err := t.send(ctx)
		if err == nil || !isTransient(err) || !mayRetry(ctx) {
			return resp, err
		}
	}
}

// commit sends the transaction of a change. Once it is sent it is finished, also for a caller who
// has given up.
func (o *operation) commit(ctx context.Context, f *found, edits []edit) (*found, error) {
	end, _ := ctx.Deadline()
	sent, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	l, err := o.board.lease(sent)
	if err != nil {
		return nil, err
	}
	s := o.board.takeSlot(l)
	t, err := o.change(f, edits, l, s)
	if err != nil {
		l.giveBack(s)
		return nil, err
	}
	resp, err := t.send(sent)
	if err != nil {
		return o.settle(ctx, f, l, s, err)
	}
	if resp.Succeeded {
		s.mod = resp.Header.Revision
		l.giveBack(s)
		o.place = ""
		return nil, nil
	}
	if modOf(resp.Responses[t.slotAt].GetResponseRange()) != s.mod { // it went with its lease
		o.board.lost(l)
	} else {
		l.giveBack(s)
	}
	return o.overtake(ctx, f, t, resp)
}

// settle goes on where a transaction was answered by an error.
func (o *operation) settle(ctx context.Context, f *found, l *lease, s *slot, cause error) (
	*found, error) {
	switch {
	case errors.Is(cause, rpctypes.ErrLeaseNotFound): // signed again, it may be tried again
		o.board.lost(l)
		return f, nil
	case isDefinite(cause):
		l.giveBack(s)
		return nil, cause
	case errors.Is(cause, errNoSpace): // the change that reaches the quota is made and told so
		happened, err := o.board.rowSettled(ctx, o.id)
		if err != nil {
			return nil, o.unknown(cause)
		}
		if happened {
			o.place = ""
			return nil, nil
		}
		return nil, cause
	}
	happened, known := o.board.settle(ctx, l, s, o.id)
	if !known {
		return nil, o.unknown(cause)
	}
	l.giveBack(s)
	if happened {
		o.place = ""
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("commit: %w", cause)
	}
	return o.read(ctx, false)
}

// unknown says that nobody knows, and which row would tell.
func (o *operation) unknown(cause error) error {
	return &unknownError{o.id, o.IDs[0], o.Cause.Call, cause}
}

// overtake reads from the answer of a transaction that failed what to judge the rule on next. Where
// others were faster, it first waits for those who were overtaken before.
func (o *operation) overtake(ctx context.Context, f *found, t *transaction,
	resp *clientv3.TxnResponse) (*found, error) {
	if err := o.board.metaMoved(ctx, resp); err != nil {
		return nil, err
	}
	next := o.foundIn(resp.Responses[t.readsAt:])
	next.current = true
	for i, conversation := range t.living {
		if resp.Responses[t.marksAt+i].GetResponseRange().Count == 0 {
			if err := o.board.signAgain(ctx, conversation); err != nil {
				return nil, err
			}
		}
	}
	if !t.changes {
		return next, nil
	}
	o.overtaken = true
	what := o.queueOf(f, next)
	if what == "" || o.place != "" {
		return next, nil
	}
	return o.queue(ctx, what)
}

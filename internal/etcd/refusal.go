//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// unknownError says that nobody knows whether an operation was made.
type unknownError struct {
	operation string
	// ticket and call name the row that the operation left, if it was made.
	ticket, call string
	cause        error
}

func (e *unknownError) Error() string {
	return "operation " + e.operation + " may have been made: " + e.cause.Error()
}

func (e *unknownError) Unwrap() error { return e.cause }

// limitError says that a change is too large for one transaction.
type limitError struct{ what string }

func (e *limitError) Error() string { return e.what }

// busyError says that the time of a change was used up, by others that were made before it.
type busyError struct{ why string }

func (e *busyError) Error() string { return e.why }

// errNoSpace is what the cluster says when its quota is used up. It may have made the change that
// reached the quota.
var errNoSpace = rpctypes.ErrNoSpace

// refused is the boundary for what has to be done in the time of a call. Where that is used up though
// the cluster has answered this process a moment ago, others were in its way.
func (b *Board) refused(err error) error {
	var unknown *unknownError
	var cutOff *ticketfs.CutOff
	if errors.Is(err, context.DeadlineExceeded) && b.epoch.answers() &&
		!errors.As(err, &unknown) && !errors.As(err, &cutOff) && ticketfs.CodeOf(err) == "" {
		err = &busyError{"the time was used up while others changed the board"}
	}
	return refused(err)
}

// refused is the one boundary at which errors of the cluster become refusals, with the words that
// agents read.
func refused(err error) error {
	var unknown *unknownError
	var limit *limitError
	var busy *busyError
	var malformed *malformedError
	var old *oldError
	var other *formatError
	var none *noBoardError
	var lost *noEndpointsError
	var cutOff *ticketfs.CutOff
	var altered *ticketfs.AlteredError
	var held *heldError
	refuse := func(next, why string, args ...any) error {
		return ticketfs.Refuse(ticketfs.Unreachable, next, why, args...)
	}
	switch {
	case err == nil || ticketfs.CodeOf(err) != "" || errors.Is(err, session.ErrTwin):
		return err
	case errors.As(err, &cutOff):
		return err // what only reads goes on with what is shown
	case errors.As(err, &unknown):
		return refuse(fmt.Sprintf("once the cluster answers, see whether the history of %s has the row %s:%s, and repeat it only if not",
			unknown.ticket, unknown.ticket, unknown.call),
			"it may have happened: the cluster did not answer for operation %s (%v)",
			unknown.operation, unknown.cause)
	case errors.As(err, &limit):
		return ticketfs.Refuse(ticketfs.Invalid, "make it in smaller parts; nothing was written",
			"%v", limit)
	case errors.As(err, &busy):
		return ticketfs.Refuse(ticketfs.Busy, "retry", "%v", busy)
	case errors.As(err, &held):
		return ticketfs.Refuse(ticketfs.Claimed,
			"let them close or release what they hold, or end their servers and wait a minute, then unshare again",
			"%v", held)
	case errors.As(err, &altered):
		return ticketfs.Refuse(ticketfs.Busy, "retry; it is about to be written again", "%v",
			altered)
	case errors.As(err, &malformed):
		return ticketfs.Refuse(ticketfs.BadFile, "nothing was written; write a ticket",
			"what was to be written cannot be read as a ticket: %v", malformed)
	case errors.Is(err, errRestored):
		return refuse("let a person look, then: ticket-mcp doctor --new-epoch", "%v", errRestored)
	case errors.Is(err, errClosing):
		return refuse("retry when unshare is through; nothing was written", "%v", errClosing)
	case errors.As(err, &old):
		return refuse("update the cluster to 3.5.13 or newer, or 3.6", "%v", old)
	case errors.As(err, &other):
		return refuse("update ticket-mcp-etcd", "%v", other)
	case errors.As(err, &none):
		return refuse("see ticket-mcp doctor", "%v", none)
	case errors.As(err, &lost):
		return refuse(lost.next()+"; then restart the server", noEndpoints)
	case errors.Is(err, errNoSpace):
		return refuse("nothing was written; see ticket-mcp doctor",
			"the cluster's quota is used up")
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return refuse("nothing was written; ask for a role on the board's prefix",
			"the cluster does not permit it")
	case errors.Is(err, context.Canceled):
		return err
	}
	return refuse("nothing was written; retry", "the shared board cannot be reached: %v", err)
}

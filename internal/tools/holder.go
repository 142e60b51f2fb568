package tools

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// restartGrace is how long the ticket of an owner that was seen dead is passed over when no ticket was asked for by id: its
// client may just be restarting the server.
const restartGrace = 10 * time.Second

// owners is what this process knows of owners beyond the files.
type owners struct {
	mu       sync.Mutex
	seenDead map[string]time.Time // life of a session -> when it was first seen to have ended
	started  map[string]bool      // tickets that this session started and has not finished
}

func (o *owners) markStarted(id string, yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.started == nil {
		o.started = make(map[string]bool)
	}
	if yes {
		o.started[id] = true
	} else {
		delete(o.started, id)
	}
}

func (o *owners) hasStarted(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.started[id]
}

// deadFor is how long ago an owner was first seen dead, by this process.
func (o *owners) deadFor(life string, now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seenDead == nil {
		o.seenDead = make(map[string]time.Time)
	}
	first, known := o.seenDead[life]
	if !known {
		first = now
		o.seenDead[life] = now
	}
	return now.Sub(first)
}

// settle readies the session for a claim on a ticket that exists: its lock is held before its name stands anywhere.
func (b *Board) settle(ctx context.Context, id string) error {
	dir, err := b.Store.Locate(id)
	if err != nil {
		return err
	}
	if name := clientName(ctx); name != "" {
		b.Session.SetClient(name)
	}
	_, err = b.Session.Settle(ctx, dir)
	return ticketfs.Refused(err)
}

// life tells whether the holder of a ticket lives.
func (b *Board) life(t document.Ticket) (session.Life, error) {
	dir, err := b.Store.Dir()
	if err != nil {
		return session.Unknown, err
	}
	return b.Session.Life(dir, t.ClaimedBy)
}

// mayFinish judges whether this session may close or release a started ticket: its own, one that nobody claims, or one whose
// holder is dead. Not one whose holder lives or cannot be seen, and not one that this session held until another took it over.
func (b *Board) mayFinish(t document.Ticket, tool string) error {
	if t.Status != document.StatusInProgress {
		next := "start it first"
		if t.Status == document.StatusClosed {
			next = "nothing is left to do; see show"
		}
		return wrongStatus(t, tool, "in_progress", next)
	}
	life, err := b.life(t)
	if err != nil {
		return err
	}
	switch {
	case t.ClaimedBy == "", life == session.Mine, life == session.Dead && !b.owners.hasStarted(t.ID):
		return nil
	case b.owners.hasStarted(t.ID):
		return ticketfs.Refuse(ticketfs.Claimed, "leave it, and add a note if something must be known", "%s was taken over from this session by %s", t.ID, held(t, life))
	case life == session.Unknown:
		return ticketfs.Refuse(ticketfs.Claimed, "if nobody works on it any more, start it with takeover: true, then "+tool, "%s is held by %s", t.ID, held(t, life))
	}
	return ticketfs.Refuse(ticketfs.Claimed, "leave it to its holder, or add a note", "%s is held by %s", t.ID, held(t, life))
}

// held names a holder, since when, and whether it lives.
func held(t document.Ticket, life session.Life) string {
	if t.ClaimedBy == "" {
		return "somebody who left no name"
	}
	text := oneLine(t.ClaimedBy, maxTitle)
	if !t.ClaimedAt.IsZero() {
		text += " since " + stamp(t.ClaimedAt)
	}
	switch life {
	case session.Mine:
		return text + " (this session)"
	case session.Unknown:
		return text + " (nobody here can tell whether it lives)"
	}
	return fmt.Sprintf("%s (%s)", text, life)
}

// stamp is how times stand in tickets and answers.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type startIn struct {
	ID       *string `json:"id"`
	Agent    string  `json:"agent"`
	Takeover bool    `json:"takeover"`
	Type     string  `json:"type"`
	Parent   *string `json:"parent"`
	Tag      string  `json:"tag"`
}

// start makes an open ticket in_progress and this session's, or takes it over from a dead one.
// Without an id it takes the next ready one. An id that is empty is a wrong id, not "the next one".
func (c *call) start(ctx context.Context, in startIn) (Answer, error) {
	var answer ticketAnswer
	var err error
	if in.ID == nil {
		answer, err = c.startNext(ctx, in)
	} else {
		answer, err = c.startTicket(ctx, *in.ID, in, false)
	}
	var refusal *ticketfs.Refusal
	if errors.As(err, &refusal) && refusal.Code == ticketfs.Claimed && refusal.Next == "" {
		refusal.Next = c.instead()
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// startTicket starts one ticket. With fresh, one that this session holds already is refused like
// any other that is held.
func (c *call) startTicket(ctx context.Context, id string, in startIn,
	fresh bool) (ticketAnswer, error) {
	if err := c.settle(id); err != nil {
		return ticketAnswer{}, err
	}
	written := false
	if c.Person == "" {
		defer func() { c.conversation.Done(written) }()
	}
	who := c.caller(in.Agent)
	edits := append(turn(document.StatusInProgress),
		document.Set("claimed-by", who.claim()), document.Set("claimed-at", stamp(c.Now())))
	changed, err := c.change(ctx, id, c.cause(in.Agent, ""),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			t := d.Ticket()
			message := fmt.Sprintf("%s is now in_progress, held by %s (this session)", t.ID,
				who.claim())
			switch t.Status {
			case document.StatusClosed:
				return ticketfs.Decision{}, wrongStatus(t, "start", "open",
					"reopen it first, if there is more to do")
			case document.StatusInProgress:
				h := c.holder(t)
				if !fresh && who.holds(h) && !c.started.another(who, t.ID) {
					return ticketfs.Decision{Message: fmt.Sprintf("%s is already yours: held by %s",
						t.ID, c.held(t, h))}, nil
				}
				if err := c.mayTakeOver(t, h, in.Takeover); err != nil {
					return ticketfs.Decision{}, err
				}
				message += ", taken over from " + c.held(t, h)
				if notes := lastNotes(d); notes != "" {
					message += "\nits last notes:\n" + notes
				}
			}
			w, err := waitsFor(v, t, c.Now())
			if err != nil {
				return ticketfs.Decision{}, err
			}
			if w != nil {
				return ticketfs.Decision{}, w.refusal()
			}
			c.started.claims(who, t.ID)
			return ticketfs.Decision{Edits: edits, Message: message}, nil
		})
	if err != nil {
		return ticketAnswer{}, err
	}
	written = true
	c.started.mark(who, id, true)
	answer, err := c.ticketAnswer(changed, 0)
	answer.AlreadyYours = len(changed.Decision.Edits) == 0
	return answer, err
}

// mayTakeOver judges whether a ticket may be taken from its holder: from a dead one, once ten
// seconds have shown that it does not come back, and from one of whom nothing can be told, if the
// caller insists. Never from one that lives.
func (c *call) mayTakeOver(t document.Ticket, h session.Holder, insists bool) error {
	next := "" // tickets that are ready instead
	switch h.Life {
	case session.Dead:
		left := c.Session.Grace(h)
		if left == 0 {
			return nil
		}
		next = "its client may be restarting it: retry in " + seconds(left)
	case session.Unknown:
		if insists {
			return nil
		}
		next = "if nobody works on it any more, start it with takeover: true"
	case session.Mine:
		next = fmt.Sprintf("it is your conversation's: work on it without start, or let %s release it first", h.Name)
	}
	return ticketfs.Refuse(ticketfs.Claimed, next, "%s is held by %s", t.ID, c.held(t, h))
}

// lastNotes are the newest notes of a ticket, for whoever takes it over.
func lastNotes(d *document.Document) string {
	const most = 3
	notes := d.Notes()
	if len(notes) > most {
		notes = notes[len(notes)-most:]
	}
	for i := range notes {
		notes[i] = "- " + oneLine(notes[i], 300)
	}
	return strings.Join(notes, "\n")
}

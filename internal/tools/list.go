package tools

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type listIn struct {
	Status   string  `json:"status"`
	Type     string  `json:"type"`
	Priority int     `json:"priority"`
	Parent   *string `json:"parent"`
	Assignee string  `json:"assignee"`
	Query    string  `json:"query"`
	Limit    int     `json:"limit"`
	Cursor   string  `json:"cursor"`
}

// listAnswer is a page of tickets, one row each.
type listAnswer struct {
	readyAnswer
	NextCursor string `json:"next_cursor,omitempty"`
}

func (a listAnswer) Text() string {
	text := a.readyAnswer.Text()
	if a.NextCursor != "" {
		text += "\nnext page: cursor " + a.NextCursor
	}
	return text
}

// list filters tickets, in the order of their ids, which is that of their creation.
func (c *call) list(_ context.Context, in listIn) (Answer, error) {
	after, err := decodeCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	if _, err := parentFilter(in.Parent); err != nil {
		return nil, err
	}
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(in.Limit, defaultLimit)
	a := listAnswer{readyAnswer: readyAnswer{Tickets: []row{}, place: c.place(nil)}}
	last := ""
	budget := rowBudget(in.Limit)
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		var refusal *ticketfs.Refusal
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound: // removed since it was listed
			continue
		case err != nil: // one file that cannot be read must not hide the others
			why := err.Error()
			if errors.As(err, &refusal) {
				why = refusal.Why
			}
			if after == "" {
				a.problem(row{ID: id, Reason: oneLine(why, 120)})
			}
			continue
		}
		if id <= after || !in.matches(t) || in.Query != "" && !v.Contains(id, in.Query) {
			continue
		}
		if len(a.Tickets) == limit || budget < 0 {
			a.More++
			continue
		}
		r := c.listRow(t)
		if budget -= r.size(); budget < 0 && len(a.Tickets) > 0 {
			a.More++
			continue
		}
		a.Tickets = append(a.Tickets, r)
		last = id
	}
	a.Message = counted(len(a.Tickets), "ticket")
	if a.More > 0 {
		a.Message += fmt.Sprintf(", +%d more", a.More)
		a.NextCursor = encodeCursor(last)
	}
	return a, nil
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (in listIn) matches(t document.Ticket) bool {
	return (in.Status == "" || string(t.Status) == in.Status) &&
		(in.Type == "" || t.Type == in.Type) &&
		(in.Priority == 0 || t.Priority == in.Priority) &&
		(in.Parent == nil || t.Parent == *in.Parent) &&
		(in.Assignee == "" || strings.EqualFold(t.Assignee, in.Assignee))
}

// listRow names the holder of a started ticket, whether it is dead, and when it last called.
func (c *call) listRow(t document.Ticket) row {
	r := ticketRow(t)
	if t.Status != document.StatusInProgress {
		return r
	}
	h := c.holder(t)
	switch {
	case t.ClaimedBy == "":
		r.Holder = "an unnamed holder"
	case h.Person() && h.Life != session.Mine:
		r.Holder = h.Name + ", a person"
	default:
		r.Holder = oneLine(t.ClaimedBy, maxTitle) + ", " + string(h.Life)
		if h.Life == session.Alive {
			r.Holder += c.lastCalled(h)
		}
	}
	return r
}

// A cursor is the last id of the page before, so that tickets which come and go do not shift the next page. It is encoded so
// that nobody takes it for something to compose.
func encodeCursor(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + id))
}

func decodeCursor(cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	after, found := strings.CutPrefix(string(text), "after:")
	if err != nil || !found || !document.ValidID(after) {
		return "", ticketfs.Refuse(ticketfs.Invalid, "use next_cursor of an answer of list, or leave it out", "cursor %.40q is none of ours", cursor)
	}
	return after, nil
}

package tools

import (
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// moving is a view in which a blocker closes after it was asked for once, as other calls of the
// process bring a snapshot up to date.
type moving struct {
	ticketfs.View
	asked map[string]bool
}

func (v moving) Get(id string) (document.Ticket, error) {
	t := document.Ticket{ID: id, Status: document.StatusOpen}
	if v.asked[id] {
		t.Status = document.StatusClosed
	}
	v.asked[id] = true
	return t, nil
}

// TestJudgeOfMovingView: a blocker that closes while it is judged blocks no more.
func TestJudgeOfMovingView(t *testing.T) {
	ticket := document.Ticket{ID: "t-1", Status: document.StatusOpen,
		BlockedBy: []document.Blocker{{ID: "t-2"}}}
	w, err := waitsFor(moving{asked: map[string]bool{}}, ticket, time.Now())
	if w != nil || err != nil {
		t.Errorf("waits for %+v, %v; want nothing", w, err)
	}
}

package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type repairIn struct {
	DryRun *bool  `json:"dry_run"`
	Agent  string `json:"agent"`
}

// repairAnswer lists what is wrong with the board, and what was repaired.
type repairAnswer struct {
	Found   []Finding `json:"found"`
	More    int       `json:"more,omitempty"`
	Message string    `json:"message"`
	place
}

func (a repairAnswer) Text() string {
	lines := []string{a.Message}
	for _, f := range a.Found {
		lines = append(lines, f.Line())
	}
	if a.More > 0 {
		lines = append(lines, fmt.Sprintf("+%d more", a.More))
	}
	return joinLines(append(lines, a.place.Text())...)
}

// repair examines the board and, unless it is a dry run, repairs what can be repaired without a
// decision of somebody.
func (c *call) repair(ctx context.Context, in repairIn) (Answer, error) {
	const most = 50
	found, err := c.examine(ctx)
	if err != nil {
		return nil, err
	}
	dry := in.DryRun == nil || *in.DryRun
	if !dry {
		if err := c.repairAll(ctx, in.Agent, found); err != nil {
			return nil, err
		}
	}
	a := repairAnswer{Found: []Finding{}, place: c.place(nil)}
	a.Found = append(a.Found, found[:min(most, len(found))]...)
	a.More = len(found) - len(a.Found)
	a.Message = summary(found, dry)
	if a.More > 0 {
		a.Message += fmt.Sprintf("; the first %d are named, ticket-mcp doctor names all",
			len(a.Found))
	}
	return a, nil
}

func summary(found []Finding, dry bool) string {
	repairable, repaired := 0, 0
	for _, f := range found {
		if f.Repair != "" {
			repairable++
		}
		if f.Repaired {
			repaired++
		}
	}
	switch {
	case len(found) == 0:
		return "nothing is wrong"
	case !dry:
		return fmt.Sprintf("%d found, %d repaired; the rest needs a decision", len(found), repaired)
	case repairable == 0:
		return fmt.Sprintf("%d found; none can be repaired without a decision", len(found))
	}
	return fmt.Sprintf("%d found; repair with dry_run: false repairs %d of them", len(found),
		repairable)
}

// repairAll does what the findings propose, each under the locks and judged again there, and marks
// what was done.
func (c *call) repairAll(ctx context.Context, agent string, found []Finding) error {
	repaired := make(map[string]bool) // tickets, all of whose findings one change repairs
	for i := range found {
		f := &found[i]
		if f.Repair == "" {
			continue
		}
		var err error
		f.Repaired = true
		switch f.Kind {
		case oldTemp:
			err = c.folder.RemoveLeftover(ctx, f.ID)
		default:
			if !repaired[f.ID] {
				_, err = c.folder.Change(ctx, f.ID, c.cause(agent, ""), mendTicket)
				repaired[f.ID] = true
			}
		}
		if err != nil {
			return fmt.Errorf("repair %s: %w", f.ID, err)
		}
	}
	return nil
}

// mendTicket removes blockers whose file is gone and the fields that do not belong to the ticket's
// status.
func mendTicket(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
	missing, err := missingBlockers(v, d.Ticket())
	if err != nil {
		return ticketfs.Decision{}, err
	}
	var edits []document.Edit
	for _, id := range missing {
		edits = append(edits, d.RemoveBlocker(id)...)
	}
	for _, key := range leftoverKeys(d.Ticket()) {
		edits = append(edits, document.Remove(key))
	}
	return ticketfs.Decision{Edits: edits}, nil
}

func missingBlockers(v ticketfs.View, t document.Ticket) ([]string, error) {
	var missing []string
	for _, b := range t.BlockedBy {
		_, err := v.Get(b.ID)
		switch ticketfs.CodeOf(err) {
		case ticketfs.NotFound:
			if !slices.Contains(missing, b.ID) {
				missing = append(missing, b.ID)
			}
		case "":
			if err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// leftoverKeys are the fields a ticket has that belong to another status.
func leftoverKeys(t document.Ticket) []string {
	has := map[string]bool{
		"claimed-by": t.ClaimedBy != "", "claimed-at": t.When("claimed-at") != "", "closed": t.When("closed") != "",
		"closed-by": t.ClosedBy != "", "resolution": t.Resolution != "", "close-reason": t.CloseReason != "", "evidence": len(t.Evidence) > 0,
	}
	var foreign []string
	if t.Status != document.StatusClosed {
		foreign = append(foreign, closeKeys...)
	}
	if t.Status != document.StatusInProgress {
		foreign = append(foreign, claimKeys...)
	}
	return slices.DeleteFunc(foreign, func(key string) bool { return !has[key] })
}

// Line is a finding as text.
func (f Finding) Line() string {
	line := strings.TrimSpace(f.ID + " " + f.Kind + ": " + f.What)
	switch {
	case f.Repaired:
		return line + " [repaired: " + f.Repair + "]"
	case f.Repair != "":
		return line + " [repair would: " + f.Repair + "]"
	}
	return line
}

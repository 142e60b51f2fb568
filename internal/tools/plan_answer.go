package tools

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

func (c *call) planAnswer(p *layout, v *ticketfs.Snapshot, short error) planAnswer {
	a := planAnswer{Tickets: []plannedRow{}, place: c.place(short)}
	with := ticketfs.Assuming(v, p.tickets(c)...)
	for _, t := range p.in.Tickets {
		r := plannedRow{Name: t.Name, ID: p.ids[t.Name], Title: oneLine(t.Title, 60)}
		if p.exists[t.Name] {
			r.Exists = true
			r.Differ = p.differences(with, t)
		} else if p.in.DryRun {
			r.ID = ""
		}
		a.Tickets = append(a.Tickets, r)
	}
	a.Layers = c.layers(p, with)
	inLayer := slices.Concat(a.Layers...)
	for _, t := range p.in.Tickets {
		if is, err := with.Get(p.ids[t.Name]); err == nil && is.Status == document.StatusOpen &&
			!slices.Contains(inLayer, t.Name) {
			a.Outside = append(a.Outside, t.Name)
		}
	}
	made, kept := len(p.missing), len(p.exists)
	switch {
	case p.in.DryRun:
		a.Message = fmt.Sprintf("dry run: %s would be created, nothing was written",
			counted(made, "ticket"))
	case made == 0:
		a.Message = "nothing to create: this plan is there whole"
	default:
		a.Message = fmt.Sprintf("created %s", counted(made, "ticket"))
	}
	if kept > 0 && made > 0 {
		a.Message += fmt.Sprintf("; %d were there already and are left as they are", kept)
	}
	return a
}

// differences are the fields in which a ticket that exists is not what the plan says.
func (p *layout) differences(v ticketfs.View, planned plannedIn) []string {
	t, err := v.Get(p.ids[planned.Name])
	if err != nil {
		return []string{"form: it cannot be read"}
	}
	want := p.resolved(planned).ticket(t.ID, t.Created, t.BlockerKey)
	var differ []string
	for _, field := range []struct {
		name string
		same bool
	}{
		{"title", t.Title == want.Title}, {"type", t.Type == want.Type}, {"priority",
			t.Priority == want.Priority},
		{"parent", t.Parent == want.Parent}, {"tags", slices.Equal(t.Tags, want.Tags)}, {"assignee",
			t.Assignee == want.Assignee},
		{"blocked_by", slices.EqualFunc(t.BlockedBy, want.BlockedBy,
			func(a, b document.Blocker) bool { return a.ID == b.ID })},
	} {
		if !field.same {
			differ = append(differ, field.name)
		}
	}
	return differ
}

// layers says in which order the tickets of a plan can be started: first what is ready now, perhaps
// nothing, then what is ready once all these and those in progress are started and, where nothing
// below them is open, closed, and so on. What waits for something else is in no layer.
func (c *call) layers(p *layout, v ticketfs.View) [][]string {
	layers := [][]string{}
	state := make(map[string]document.Ticket)
	for _, id := range p.ids {
		if t, err := v.Get(id); err == nil {
			state[id] = t
		}
	}
	for {
		now := ticketfs.Assuming(v, slices.Collect(maps.Values(state))...)
		j, layer := newJudge(now, c.Now()), []string{}
		for _, t := range p.in.Tickets {
			is, known := state[p.ids[t.Name]]
			if !known || is.Status != document.StatusOpen {
				continue
			}
			if w, err := j.waitsFor(is); w == nil && err == nil {
				layer = append(layer, t.Name)
			}
		}
		moved := len(layer) > 0
		for _, name := range layer {
			t := state[p.ids[name]]
			t.Status = document.StatusInProgress
			state[t.ID] = t
		}
		for again := true; again; {
			again = false
			now := ticketfs.Assuming(v, slices.Collect(maps.Values(state))...)
			for id, t := range state {
				if t.Status == document.StatusInProgress && childrenClosed(now, id) == nil {
					t.Status = document.StatusClosed
					state[id] = t
					again, moved = true, true
				}
			}
		}
		if !moved {
			return layers
		}
		layers = append(layers, layer)
	}
}

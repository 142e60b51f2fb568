package page

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/report"
)

const (
	// reportSince is what time the page's report is about.
	reportSince = "24h"
	maxItems    = 20 // in a list of the report
)

// reportView is a report, ready for its template.
type reportView struct {
	Numbers []numberView
	Lists   []listView
	Agents  []report.Agent
	More    int // agents that are not shown
	Doubts  []string
}

type numberView struct {
	Name      string
	Then, Now int
}

// listView is a list of the report with what is asked of the reader.
type listView struct {
	Name, Key string
	N, More   int
	Items     []report.Item
}

// Report tells what happened on the board in the last day.
func (k *Taker) Report(ctx context.Context) (report.Report, error) {
	answer, err := k.Tickets.Report(ctx, reportSince)
	return answer.Report, err
}

func viewReport(r report.Report) reportView {
	var v reportView
	for _, status := range []string{"open", "in_progress", "closed", report.Malformed} {
		if r.Then[status]+r.Now[status] > 0 {
			v.Numbers = append(v.Numbers, numberView{strings.ReplaceAll(status, "_", " "),
				r.Then[status], r.Now[status]})
		}
	}
	for _, l := range []struct {
		name, key string
		items     []report.Item
	}{
		{"Needs a person", "hold", r.NeedsPerson}, {"Abandoned: the holder is dead", "missing",
			r.Abandoned},
		{"Stuck: unchanged for longer than is usual here (" + r.Usual + ")", "waiting", r.Stuck},
		{fmt.Sprintf("Done, %d with evidence", r.Evidence), "today", r.Done}, {"Dropped", "done",
			r.Dropped}, {"New", "ready", r.New},
	} {
		if len(l.items) == 0 {
			continue
		}
		list := listView{Name: l.name, Key: l.key, N: len(l.items),
			More: max(0, len(l.items)-maxItems)}
		for _, item := range l.items[:min(len(l.items), maxItems)] {
			list.Items = append(list.Items, report.Item{
				ID: line(item.ID, 64), Title: line(item.Title,
					maxTitle), Who: line(nameOf(item.Who), maxMeta), Why: line(item.Why, maxNote),
			})
		}
		v.Lists = append(v.Lists, list)
	}
	for i, a := range r.Agents {
		if i == maxItems {
			v.More = len(r.Agents) - maxItems
			break
		}
		a.Name = line(nameOf(a.Name), maxMeta)
		v.Agents = append(v.Agents, a)
	}
	for _, doubt := range []struct {
		what string
		ids  []string
	}{
		{"changed by another program", r.Outside}, {"their changes do not lead to what they are",
			r.Unclear},
		{"their journal cannot be read", r.Unread},
	} {
		if n := len(doubt.ids); n > 0 {
			ids := slices.Clone(doubt.ids[:min(n, maxItems)])
			if n > maxItems {
				ids = append(ids, fmt.Sprintf("+%d more", n-maxItems))
			}
			v.Doubts = append(v.Doubts, line(doubt.what+": "+strings.Join(ids, ", "), 2000))
		}
	}
	return v
}

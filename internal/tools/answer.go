package tools

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// changeAnswer is the answer of a tool that changed a ticket.
type changeAnswer struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Status  string `json:"status"`
	Message string `json:"message"`
	place
}

// place is what an answer says only when it is not as usual.
type place struct {
	Durable   *bool `json:"durable,omitempty"`   // false: visible, but the disk did not confirm
	Journaled *bool `json:"journaled,omitempty"` // false: visible, but history does not know it
	// the folder, when it is not below the working directory
	Board   string `json:"board,omitempty"`
	Warning string `json:"warning,omitempty"` // in the first answer only
	// since when the board may have changed unseen, and how long ago that was
	AsOf       string `json:"as_of,omitempty"`
	AgeSeconds *int   `json:"age_seconds,omitempty"`
	reach      string // what makes the board reachable then, "" where that is to wait
	// names that changed files of a shared board's mirror got, since it was last told
	Kept []string `json:"kept,omitempty"`
}

func (a changeAnswer) Text() string {
	return joinLines(a.Message, row{ID: a.ID, Status: a.Status, Title: a.Title}.line(),
		a.place.Text())
}

func (p place) Text() string {
	var lines []string
	if p.Durable != nil {
		lines = append(lines,
			"durable: false (the change is visible, but the disk did not confirm that it survives a power loss)")
	}
	if p.Journaled != nil {
		lines = append(lines,
			"journaled: false (the change is made, but its row could not be written: history will show it as made by another program)")
	}
	if p.Board != "" {
		// a folder's name may hold anything
		lines = append(lines, "board: "+oneLine(p.Board, maxPath))
	}
	if p.Warning != "" {
		lines = append(lines, "warning: "+p.Warning)
	}
	if p.AgeSeconds != nil {
		age := time.Duration(*p.AgeSeconds) * time.Second
		how := ago(age)
		if age < time.Minute {
			how = seconds(age) + " ago"
		}
		reach := "the shared board cannot be reached"
		if p.reach != "" {
			reach += ": " + p.reach
		}
		lines = append(lines, fmt.Sprintf("as of %s, %s: %s; until it can, nothing is started or changed",
			p.AsOf, how, reach))
	}
	if len(p.Kept) > 0 {
		lines = append(lines, "kept: "+strings.Join(p.Kept, ", ")+
			" (somebody changed a file of the mirror, which only shows the board; `ticket-mcp edit` changes a ticket)")
	}
	return strings.Join(lines, "\n")
}

// changed is the answer for a ticket as a change left it.
func (c *call) changed(changed ticketfs.Changed) changeAnswer {
	t := changed.Document.Ticket()
	return changeAnswer{
		ID: t.ID, Title: oneLine(t.Title, maxTitle), Status: cmp.Or(string(t.Status), malformed),
		Message: changed.Decision.Message, place: c.place(changed.Short),
	}
}

// place is what must be said beside an answer; short is what the change is short of.
func (c *call) place(short error) place {
	var p place
	if errors.Is(short, ticketfs.ErrNotDurable) {
		p.Durable = new(bool)
	}
	if errors.Is(short, ticketfs.ErrNotJournaled) {
		p.Journaled = new(bool)
	}
	if folder, err := c.open(); err == nil {
		dir := folder.Dir()
		if below, err := filepath.Rel(c.WorkDir, dir); err != nil || below == ".." ||
			strings.HasPrefix(below, ".."+string(filepath.Separator)) {
			p.Board = dir
		}
		if cutOff := folder.Older(); cutOff != nil {
			age := max(0, int(c.Now().Sub(cutOff.AsOf).Seconds()))
			p.AsOf, p.AgeSeconds, p.reach = stamp(cutOff.AsOf), &age, cutOff.Next()
		}
		p.Kept = oneLines(folder.Kept(), 2*document.MaxID)
		c.warn.Do(func() {
			if kind, err := ticketfs.UnprovenFS(dir); err == nil && kind != "" {
				p.Warning = unprovenText(dir, kind)
			}
		})
		if other := c.Store.UnusedBoard(); other != "" {
			p.Warning = joinLines(p.Warning,
				"only this worktree's branch has "+oneLine(other,
					maxPath)+", which is not the board: the other worktrees do not see it")
		}
	}
	return p
}

func unprovenText(dir, kind string) string {
	if kind == "overlay" {
		return dir + " is on an overlay: a lock taken through it and one taken beside it, in the folders that it shows, do not see each other; let all programs use the board by this path"
	}
	return fmt.Sprintf("%s is on %s: nobody has shown that its locks hold between machines, or against programs that use the files beside it; let only one machine write there", dir, kind)
}

// row is one line about a ticket.
type row struct {
	ID       string   `json:"id"`
	Status   string   `json:"status,omitempty"`
	Priority *int     `json:"priority,omitempty"`
	Type     string   `json:"type,omitempty"`
	Title    string   `json:"title,omitempty"`
	Parent   string   `json:"parent,omitempty"`
	Assignee string   `json:"assignee,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Holder   string   `json:"holder,omitempty"`
	Reason   string   `json:"reason,omitempty"` // of a blocker

	WaitsFor     int `json:"waits_for,omitempty"` // how many of its blockers are not closed
	Children     int `json:"children,omitempty"`
	OpenChildren int `json:"open_children,omitempty"` // of these, not closed
}

// line is, for example:
// d5czj08 in_progress P1 feature: Add locking (in d5cz1ng, held by planner@5f3a9c21d0e4)
func (r row) line() string {
	words := []string{r.ID}
	if r.Status != "" {
		words = append(words, r.Status)
	}
	if r.Priority != nil {
		words = append(words, fmt.Sprint("P", *r.Priority))
	}
	if r.Type != "" {
		words = append(words, r.Type)
	}
	line := strings.Join(words, " ")
	if r.Title != "" {
		line += ": " + r.Title
	}
	var extra []string
	for _, e := range []struct{ label, value string }{{"in ", r.Parent}, {"for ", r.Assignee},
		{"tagged ", strings.Join(r.Tags, ", ")}, {"held by ", r.Holder}, {"because ", r.Reason}} {
		if e.value != "" {
			extra = append(extra, e.label+e.value)
		}
	}
	if r.WaitsFor > 0 {
		extra = append(extra, fmt.Sprint("waits for ", r.WaitsFor))
	}
	if r.Children > 0 {
		extra = append(extra, fmt.Sprintf("%d of %d children open", r.OpenChildren, r.Children))
	}
	if len(extra) > 0 {
		line += " (" + strings.Join(extra, ", ") + ")"
	}
	return line
}

// maxPath is the length at which a path is cut in answers, in characters.
const maxPath = 4096

// maxTitle is the length at which a title is cut in answers, in characters: twenty lines stay below
// 2,000 tokens.
const maxTitle = 100

func ticketRow(t document.Ticket) row {
	return row{ID: t.ID, Status: string(t.Status), Priority: &t.Priority, Type: oneLine(t.Type, 40),
		Title: oneLine(t.Title, maxTitle), Parent: t.Parent, Assignee: oneLine(t.Assignee,
			40), Tags: shownTags(t)}
}

// shortRow is for tickets that are named beside another one.
func shortRow(t document.Ticket) row {
	const short = 60
	return row{ID: t.ID, Status: string(t.Status), Title: oneLine(t.Title, short)}
}

func shortRows(tickets []document.Ticket) []row {
	rows := make([]row, len(tickets))
	for i, t := range tickets {
		rows[i] = shortRow(t)
	}
	return rows
}

// oneLine makes foreign text harmless in a line of ours: control, bidirectional and invisible
// characters could forge lines, reorder them or hide words from people while a model reads them. At
// most max characters, and fewer when they take more than two bytes each in JSON.
func oneLine(s string, max int) string {
	var b strings.Builder
	n, bytes := 0, 0
	for _, r := range strings.TrimSpace(s) {
		if n == max || bytes > 2*max {
			return b.String() + "…"
		}
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs,
			unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
			unicode.Noncharacter_Code_Point):
			continue
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			r = ' '
		}
		b.WriteRune(r)
		n++
		bytes += jsonLen(r)
	}
	return b.String()
}

// oneLines makes each text harmless.
func oneLines(texts []string, max int) []string {
	lines := make([]string, len(texts))
	for i, text := range texts {
		lines[i] = oneLine(text, max)
	}
	return lines
}

// jsonLen is how many bytes a character takes in JSON as Go writes it.
func jsonLen(r rune) int {
	switch r {
	case '<', '>', '&':
		return 6
	case '"', '\\':
		return 2
	}
	return utf8.RuneLen(r)
}

// joinLines joins the parts that say something.
func joinLines(parts ...string) string {
	var lines []string
	for _, p := range parts {
		if p != "" {
			lines = append(lines, p)
		}
	}
	return strings.Join(lines, "\n")
}

// who is how the caller signs in a ticket.
func (c *call) who(agent string) string { return c.caller(agent).claim() }

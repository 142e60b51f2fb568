package tools_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// style is how a hand wrote a file: all of them say the same to the rules.
type style struct {
	lists listStyle
	crlf  bool
	// type, priority and the time of creation are left out where they are what is taken for granted
	sparse bool
	noted  bool // comments and keys that the program does not know
	deps   bool // in wedow's dialect
	both   bool // the first blocker by one key, all of them by the other
}

type listStyle int

const (
	flowList listStyle = iota
	blockList
	mapList // of id and reason
)

// lay writes a ticket file. Here Holder and ClosedBy are names as they stand in the file, Created
// and HoldUntil are in seconds.
func (w *world) lay(id string, t spec.Ticket, s style) {
	w.t.Helper()
	w.ids = append(w.ids, id)
	if t.Malformed {
		w.write(id+".md", brokenText(t.Mentions))
		return
	}
	w.write(id+".md", ticketText(id, t, s))
}

func ticketText(id string, t spec.Ticket, s style) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	b.WriteString("---\n")
	line("schema_version", "1")
	line("id", id)
	line("status", string(t.Status))
	if s.noted {
		b.WriteString("# a comment\nlabels: {team: [a, b]}  # of somebody else\n")
	}
	line("claimed-by", t.Holder)
	if t.Holder != "" {
		line("claimed-at", began.Add(-time.Hour).Format(time.RFC3339))
	}
	if t.Status == spec.Closed {
		line("closed", began.Add(-time.Minute).Format(time.RFC3339))
	}
	line("close-reason", t.CloseReason)
	line("closed-by", t.ClosedBy)
	line("resolution", string(t.Resolution))
	for key, list := range map[string][]string{"evidence": t.Evidence, "links": t.Links} {
		if len(list) > 0 {
			line(key, "["+strings.Join(list, ", ")+"]")
		}
	}
	line("hold", t.Hold)
	if t.HoldUntil != 0 {
		line("hold-until", time.Unix(t.HoldUntil, 0).UTC().Format(time.RFC3339))
	}
	b.WriteString(blockersText(t.BlockedBy, s))
	if !s.sparse {
		line("created", time.Unix(t.Created, 0).UTC().Format(time.RFC3339))
		line("priority", fmt.Sprint(t.Priority))
		line("type", t.Type)
	}
	line("assignee", t.Assignee)
	line("parent", t.Parent)
	if len(t.Tags) > 0 {
		line("tags", "["+strings.Join(t.Tags, ", ")+"]")
	}
	fmt.Fprintf(&b, "---\n# %s\n\nWords.\n\n- [ ] box\n", t.Title)
	for i, note := range t.Notes {
		if i == 0 {
			b.WriteString("\n## Notes\n\n")
		}
		b.WriteString("- " + note + "\n")
	}
	if s.crlf {
		return strings.ReplaceAll(b.String(), "\n", "\r\n")
	}
	return b.String()
}

func blockersText(ids []string, s style) string {
	if len(ids) == 0 {
		return ""
	}
	key, before := "blocked-by", ""
	if s.deps {
		key = "deps"
	}
	if s.both && !s.deps {
		before = "deps: [" + ids[0] + "]\n"
	}
	if s.lists == flowList {
		return before + key + ": [" + strings.Join(ids, ", ") + "]\n"
	}
	text := before + key + ":\n"
	for _, id := range ids {
		if s.lists == mapList {
			text += "  - id: " + id + "\n    reason: it must\n"
		} else {
			text += "  - " + id + "\n"
		}
	}
	return text
}

// brokenText is a file that cannot be read and holds some ids.
func brokenText(mentions []string) string {
	return "---\nstatus: opne\nparent: [" + strings.Join(mentions, ", ") + "]\n---\n# X\n"
}

// brokenTexts are ways for a file to be a malformed ticket. Of each it can be told whose child it
// may be: the oracle has no word for those of which it cannot, and package index tests them.
var brokenTexts = []string{
	"---\nstatus: open\nparent: t2\n# no end\n",
	"---\nstatus: open\nstatus: closed\n---\n",
	"---\nid: other\nstatus: open\n---\n",
	"---\nstatus: open\npriority: 2abc\n---\n",
	"---\nstatus: open\nblocked-by: t1\n---\n",
	"---\nstatus: open\nparent: ../t1\n---\n",
	"<<<<<<< ours\n---\nstatus: open\n=======\n>>>>>>> theirs\n",
	"---\nstatus: [unclosed\nparent: t2\n---\n",
	"---\nstatus: open\n---\n\x00\x01\x02",
}

// layFolder puts a folder where a ticket would stand.
func (w *world) layFolder(id string) {
	w.ids = append(w.ids, id)
	must(w.t, os.Mkdir(filepath.Join(w.dir, id+".md"), 0o755))
}

// layCrowd writes many closed tickets that nothing names: so many that the program does not look at
// each file any more, but has the system tell it what changed.
func (w *world) layCrowd() {
	const many = 2100
	for i := range many {
		id := fmt.Sprintf("crowd-%04d", i)
		w.write(id+".md", ticketText(id, spec.Ticket{Status: spec.Closed, Title: id, Type: "task",
			Priority: 2}, style{}))
	}
}

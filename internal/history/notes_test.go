package history_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// endings are the lines in which a reopen keeps how the ticket had ended.
var endings = regexp.MustCompile(`^\S+ \S+@[0-9a-f]{12}: it had been closed `)

// notesBroken judges the lines under Notes in the files at the end. Each text of a history is sent
// once only, so: what was answered is there exactly once, signed by the session that sent it; what
// was not answered at most once; nothing else; and a note that was answered before another was sent
// stands before it.
func (h history) notesBroken() []string {
	type wanted struct {
		entry
		text string
		seen int // on how many lines
		line int // the last of these
	}
	notes := map[string][]*wanted{} // by ticket
	for _, e := range h.entries {
		if text := noteOf(e.op); text != "" && (e.done() || e.lost() || e.fault != "") {
			notes[e.op.ID] = append(notes[e.op.ID], &wanted{entry: e, text: text})
		}
	}
	reopened := map[string]int{}
	for _, e := range h.entries {
		if e.op.Verb == spec.Reopen && (e.done() || e.lost() || e.fault != "") {
			reopened[e.op.ID]++
		}
	}
	var why []string
	report := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	for _, id := range h.ids() {
		for i, line := range h.notes[id] {
			if endings.MatchString(line) && reopened[id] > 0 {
				reopened[id]--
				continue
			}
			sent := false
			for _, w := range notes[id] {
				if strings.HasSuffix(line, "@"+w.session+": "+w.text) {
					sent = true
					w.seen++
					w.line = i
				}
			}
			if !sent {
				report("%s: nobody sent the note %q", id, line)
			}
		}
		slices.SortStableFunc(notes[id], func(a, b *wanted) int { return a.line - b.line })
		for i, w := range notes[id] {
			switch {
			case w.seen > 1:
				report("%s: the note stands there %d times: %s", id, w.seen, w.entry)
			case w.seen == 0 && w.done():
				report("%s: the note is lost: %s", id, w.entry)
			}
			for _, later := range notes[id][i+1:] {
				if w.seen == 1 && later.seen == 1 && later.got < w.sent {
					report("%s: the notes stand in the wrong order: %s; %s", id, w.entry,
						later.entry)
				}
			}
		}
	}
	return why
}

// noteOf is the note that a call leaves, "" if none: its text, or the reason of a release or
// reopen.
func noteOf(u spec.UserInput) string {
	switch {
	case u.Verb == spec.Note:
		return u.Text
	case u.Verb == spec.Release && u.Reason != "":
		return "released: " + u.Reason
	case u.Verb == spec.Reopen && u.Reason != "":
		return "reopened: " + u.Reason
	}
	return ""
}

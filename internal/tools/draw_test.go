package tools_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// What random tests draw from.
var (
	// who calls
	people = []string{"s1", "s2", "s3", "Ada@person"}
	// of a session
	agents = []string{"", "", "", "one", "two"}
	// of claims that a hand wrote
	claimers = []string{"s1", "s2", "s3", "gone", "gone", "far", "lost", "bob!", "", "s1/one",
		"gone/one", "Ada@person"}
	// t1 is part of t10
	ids    = []string{"t1", "t2", "t3", "t4", "t10", "Up-1", "a.b"}
	badIDs = []string{"none", "T 1", "../t1", "t1.m", ".t1", "t1/", "-t1", "ünï",
		string(make([]byte, 65))}
	types    = []string{"bug", "feature", "task", "epic", "chore"}
	statuses = []spec.Status{spec.Open, spec.Open, spec.InProgress, spec.Closed}
	// texts need care somewhere on their way into a line of YAML or Markdown.
	texts = []string{
		"why", " padded ", "ünïcode ✓ 漢字", `"quoted" and 'quoted'`, "a: b", "# no heading", "- [ ] no box", "null", "~", "123", "2026-01-04",
		"true", "*a", "&b", "!t", "[x", "{y", "%z", "@at", "`code`", "--- ", "| bar", "> more", "a \\ b", "tab\there", "x #y", "=",
	}
)

func pick[T any](t *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(t,
		label)
}

// rarely is true once in n times.
func rarely(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(1, n).Draw(t, label) == n
}

// drawBoard writes tickets as hands and other programs may have left them: nothing but their form
// is right, and not always that.
func drawBoard(t *rapid.T, w *world) {
	for _, name := range people {
		w.session(name)
	}
	for name, life := range strangers {
		w.mark(name, life)
	}
	for _, id := range ids[:rapid.IntRange(0, len(ids)).Draw(t, "tickets")] {
		drawFile(t, w, id)
	}
}

// drawFile writes one ticket, or what stands in place of one.
func drawFile(t *rapid.T, w *world, id string) {
	switch {
	case rarely(t, 12, "malformed"):
		text := pick(t, brokenTexts, "broken")
		if rarely(t, 2, "mentions") {
			text = brokenText([]string{pick(t, ids, "mention")})
		}
		w.ids = append(w.ids, id)
		w.write(id+".md", text)
	case rarely(t, 40, "a folder"):
		w.layFolder(id)
	default:
		w.lay(id, drawTicket(t, w), style{
			lists:  pick(t, []listStyle{flowList, blockList, mapList}, "lists"),
			crlf:   rarely(t, 4, "crlf"),
			sparse: rarely(t, 4, "sparse"),
			noted:  rarely(t, 4, "noted"),
			deps:   rarely(t, 2, "deps"),
			both:   rarely(t, 4, "both keys"),
		})
	}
}

func drawTicket(t *rapid.T, w *world) spec.Ticket {
	ticket := spec.Ticket{
		Status: pick(t, statuses, "status"), Title: pick(t, []string{"One", "Two: three", ""},
			"title"),
		Type: pick(t, types, "type"), Priority: rapid.IntRange(0, 4).Draw(t, "priority"),
		Created: began.Unix() - rapid.Int64Range(1, 5).Draw(t, "age"),
	}
	if ticket.Status == spec.InProgress || rarely(t, 6, "leftover claim") {
		who := pick(t, claimers, "holder")
		ticket.Holder = claimOf(who)
		who, _, _ = strings.Cut(who, "/")
		if s := w.sessions[who]; s != nil && s.board != nil && !isPerson(who) {
			w.settle(s)
		}
	}
	if ticket.Status == spec.Closed || rarely(t, 8, "leftover reason") {
		ticket.CloseReason = pick(t, []string{"", "done"}, "reason")
		ticket.ClosedBy = pick(t, []string{"", claimOf("s1"), claimOf("gone")}, "closed by")
		ticket.Resolution = pick(t, []spec.Resolution{spec.Done, spec.Done, spec.Dropped},
			"resolution")
		ticket.Evidence = pick(t, [][]string{nil, {"log"}}, "evidence")
	}
	if rarely(t, 6, "on hold") {
		ticket.Hold = "for Grace"
		ticket.HoldUntil = pick(t, []int64{0, began.Unix() - 1, began.Unix() + 60}, "until")
	}
	if rarely(t, 2, "has parent") {
		ticket.Parent = pick(t, ids, "parent")
	}
	if rarely(t, 2, "has blockers") {
		ticket.BlockedBy = rapid.SliceOfN(rapid.SampledFrom(ids), 1, 3).Draw(t, "blockers")
	}
	if rarely(t, 3, "has tags") {
		ticket.Tags = pick(t, [][]string{{"api"}, {"ui", "api"}, {"UI"}}, "tags")
	}
	if rarely(t, 4, "has notes") {
		ticket.Notes = []string{"2026-01-01T00:00:00Z ada: by hand", "plain"}
	}
	return ticket
}

// drawID is mostly that of a ticket.
func drawID(t *rapid.T, w *world, label string) string {
	if len(w.ids) == 0 || rarely(t, 40, "bad id") {
		return pick(t, badIDs, label)
	}
	return pick(t, w.ids, label)
}

// drawOp draws an operation and the session that calls it.
func drawOp(t *rapid.T, w *world, verb spec.Verb) (*actor, spec.UserInput) {
	s := w.session(pick(t, people, "session"))
	u := spec.UserInput{Verb: verb, Agent: pick(t, agents, "agent")}
	tickets := w.look().state.Tickets
	if verb == spec.Plan {
		agent := u.Agent
		u = drawPlan(t, w)
		u.Agent = agent
	} else if verb != spec.StartNext && verb != spec.Create {
		u.ID = drawID(t, w, "id")
	}
	switch {
	case verb == spec.Start && rarely(t, 2, "ready"):
		// Most tickets cannot be started, and most starts shall be.
		if ready := spec.Ready(w.state(tickets), w.caller(s)); len(ready) > 0 {
			u.ID = pick(t, ready, "ready")
		}
	case verb == spec.Close || verb == spec.Release:
		// What there is to finish is held by somebody: mostly let them finish it.
		held := slices.DeleteFunc(slices.Clone(w.ids), func(id string) bool {
			return tickets[id].Status != spec.InProgress || w.byKey(tickets[id].Holder) == nil
		})
		if len(held) > 0 && !rarely(t, 3, "anybody's") {
			u.ID = pick(t, held, "held")
			s = w.byKey(tickets[u.ID].Holder)
			if !rarely(t, 3, "by any agent") {
				u.Agent = tickets[u.ID].Agent
			}
		}
	}
	switch verb {
	case spec.Start:
		u.Takeover = rarely(t, 3, "takeover")
	case spec.StartNext:
		u.Takeover = rarely(t, 6, "takeover")
		if rarely(t, 4, "by type") {
			u.Type = new(pick(t, append(types, "story"), "type"))
		}
		if rarely(t, 4, "by parent") {
			u.Parent = new(pick(t, append(ids, "none"), "parent"))
		}
		if rarely(t, 4, "by tag") {
			u.Tag = pick(t, []string{"api", "ui", "none"}, "tag")
		}
	case spec.Close, spec.Release, spec.Reopen:
		if rarely(t, 2, "with reason") {
			u.Reason = pick(t, texts, "reason")
		}
		switch {
		case verb == spec.Close:
			drawClose(t, w, &u)
		case verb == spec.Release && rarely(t, 4, "with hold"):
			u.Hold = new(pick(t, append(texts, ""), "hold"))
		}
	case spec.Block, spec.Unblock:
		u.Blocker = drawID(t, w, "blocker")
		if own := tickets[u.ID].BlockedBy; verb == spec.Unblock && len(own) > 0 &&
			!rarely(t, 4, "any") {
			u.Blocker = pick(t, own, "its blocker")
		}
	case spec.Note:
		u.Text = pick(t, append(texts, "", " "), "text")
	case spec.Create, spec.Update:
		drawFields(t, w, &u)
	}
	if isPerson(s.name) {
		u.Agent = "" // a person has none
	}
	if s.board == nil {
		w.begin(s)
	}
	return s, u
}

// drawClose draws how a ticket ends, mostly as it may.
func drawClose(t *rapid.T, w *world, u *spec.UserInput) {
	if rarely(t, 3, "with evidence") {
		u.Evidence = pick(t, [][]string{{"log.txt"}, {"a: b", "https://x.example/?y#z", "- z"}},
			"evidence")
	}
	u.Next = rarely(t, 4, "and next")
	u.Children = rarely(t, 40, "children of no drop")
	if !rarely(t, 3, "not done") {
		return
	}
	u.Resolution = pick(t, []spec.Resolution{spec.Dropped, spec.Dropped, spec.Duplicate},
		"resolution")
	u.Children = !rarely(t, 3, "alone")
	if u.Resolution == spec.Duplicate || rarely(t, 20, "of nothing") {
		u.DuplicateOf = drawID(t, w, "duplicate of")
	}
	if !rarely(t, 3, "held") {
		u.ID = drawID(t, w, "dropped")
	}
}

func drawFields(t *rapid.T, w *world, u *spec.UserInput) {
	create := u.Verb == spec.Create
	if !rarely(t, 30, "no title") && (create || rarely(t, 2, "title")) {
		u.Title = new(pick(t, append(texts, "A new one"), "title"))
		if rarely(t, 20, "empty title") {
			u.Title = new(pick(t, []string{"", " ", "\t"}, "blank"))
		}
	}
	if rarely(t, 3, "with type") {
		u.Type = new(pick(t, types, "type"))
		if rarely(t, 10, "bad type") {
			u.Type = new(pick(t, []string{"story", "Bug"}, "no type"))
		}
	}
	if rarely(t, 3, "with priority") {
		u.Priority = new(rapid.IntRange(0, 4).Draw(t, "priority"))
		if rarely(t, 10, "bad priority") {
			u.Priority = new(pick(t, []int{5, -1}, "no priority"))
		}
	}
	if rarely(t, 4, "with assignee") {
		u.Assignee = new(pick(t, append(texts, ""), "assignee"))
	}
	if rarely(t, 8, "with hold") {
		u.Hold = new(pick(t, append(texts, "", ""), "hold"))
	}
	if !create && rarely(t, 8, "with hold-until") {
		u.HoldUntil = new(int64)
		if ahead := pick(t, []time.Duration{0, -time.Hour, 5 * time.Second, time.Hour},
			"until"); ahead != 0 {
			*u.HoldUntil = w.now.Truncate(time.Second).Add(ahead).UnixMilli()
		}
	}
	if rarely(t, 4, "with tags") {
		u.Tags = pick(t, [][]string{{}, {"api"}, {"ui", "null", "a: b"}}, "tags")
	}
	if rarely(t, 2, "with parent") {
		u.Parent = new(drawID(t, w, "parent"))
	}
	if create && rarely(t, 2, "with blockers") {
		for range rapid.IntRange(1, 3).Draw(t, "blockers") {
			u.BlockedBy = append(u.BlockedBy, drawID(t, w, "blocker"))
		}
	}
	if !create && u.Title == nil && u.Type == nil && u.Priority == nil && u.Assignee == nil &&
		u.Parent == nil && u.Tags == nil && u.Hold == nil && u.HoldUntil == nil {
		// an update of nothing is nonsense, see there
		u.Priority = new(rapid.IntRange(1, 4).Draw(t, "one field"))
	}
}

// byKey is the session of a key, nil when it is no session of this world.
func (w *world) byKey(key string) *actor {
	for _, s := range w.sessions {
		if s.key == key {
			return s
		}
	}
	return nil
}

// drawHand does what an editor or git may do to a folder at any time.
func drawHand(t *rapid.T, w *world) {
	id := pick(t, ids, "id")
	must(w.t, os.RemoveAll(filepath.Join(w.dir, id+".md")))
	if !rarely(t, 3, "remove") {
		w.ids = slices.DeleteFunc(w.ids, func(old string) bool { return old == id })
		drawFile(t, w, id)
	}
}

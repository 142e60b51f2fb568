package tools_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// drawLook asks one of the tools that only read.
func drawLook(t *rapid.T, w *world, crowded bool) {
	s := w.session(pick(t, people, "session"))
	if s.board == nil {
		w.begin(s)
	}
	before := w.look()
	tools := []string{"ready", "show", "list"}
	if crowded {
		tools = tools[:2] // pages of thousands say nothing new
	}
	switch pick(t, tools, "tool") {
	case "ready":
		w.checkReady(s, before)
	case "list":
		w.checkList(s, before, drawFilter(t))
	case "show":
		w.checkShow(s, before, drawID(t, w, "id"))
	}
	w.unwritten(before, "a look")
}

// unwritten fails the test if anything in the folder is not as it was, but for the list of refusals
// and for sessions: who holds one signs it again at any call when its file is gone.
func (w *world) unwritten(before look, what string) {
	w.t.Helper()
	after := w.look()
	ids, faults := written(before, after)
	if len(ids) > 0 || len(faults) > 0 || names(before) != names(after) {
		w.t.Fatalf("%s wrote: %v %v, %v after %v", what, ids, faults,
			slices.Sorted(maps.Keys(after.files)), slices.Sorted(maps.Keys(before.files)))
	}
}

// names are the files of a look, without those.
func names(l look) string {
	files := slices.DeleteFunc(slices.Sorted(maps.Keys(l.files)), func(name string) bool {
		return strings.HasPrefix(name, ".sessions") || name == ".journal/.refusals.jsonl"
	})
	return strings.Join(files, " ")
}

// checkReady holds ready against the oracle: the same tickets in the same order, those of the dead
// marked as such, and every file that cannot be read named.
func (w *world) checkReady(s *actor, l look) {
	w.t.Helper()
	r := call(w.t, s.board, "ready", map[string]any{"limit": 200})
	caller := w.caller(s)
	caller.Machine.Lane = s.board.Tags
	want := spec.Ready(l.state, caller)
	if diff := gocmp.Diff(want, r.ids("tickets"), cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("ready for %s (-want +got):\n%s%s", s.name, diff, l.dump())
	}
	rows, _ := r.fields["tickets"].([]any)
	for i, id := range want {
		holder, _ := rows[i].(map[string]any)["holder"].(string)
		ofDead := l.state.Tickets[id].Status == spec.InProgress
		if ofDead != (holder != "") || ofDead &&
			!strings.Contains(holder, l.state.Tickets[id].Holder+", which is dead") {
			w.t.Fatalf("ready says of %s that %q holds it; %+v", id, holder, l.state.Tickets[id])
		}
	}
	w.checkProblems(r, l)
}

func (w *world) checkProblems(r reply, l look) {
	w.t.Helper()
	var broken []string
	for id, t := range l.state.Tickets {
		if t.Malformed {
			broken = append(broken, id)
		}
	}
	if !same(broken, r.ids("problems")) {
		w.t.Fatalf("problems %v, want %v\n%s", r.ids("problems"), broken, l.dump())
	}
}

// filter is the arguments of list that the state can judge.
type filter struct {
	Status   spec.Status `json:"status,omitempty"`
	Type     string      `json:"type,omitempty"`
	Priority int         `json:"priority,omitempty"`
	Parent   string      `json:"parent,omitempty"`
	Blocked  *bool       `json:"blocked,omitempty"`
	Mine     *bool       `json:"mine,omitempty"`
	Tag      string      `json:"tag,omitempty"`
	Limit    int         `json:"limit"`
}

func drawFilter(t *rapid.T) filter {
	f := filter{Limit: pick(t, []int{1, 2, 200}, "limit")}
	if rarely(t, 3, "by status") {
		f.Status = pick(t, statuses, "status")
	}
	if rarely(t, 3, "by type") {
		f.Type = pick(t, types, "type")
	}
	if rarely(t, 3, "by priority") {
		f.Priority = rapid.IntRange(1, 4).Draw(t, "priority")
	}
	if rarely(t, 3, "by parent") {
		f.Parent = pick(t, ids, "parent")
	}
	if rarely(t, 3, "by blocked") {
		f.Blocked = new(rapid.Bool().Draw(t, "blocked"))
	}
	if rarely(t, 3, "by tag") {
		f.Tag = pick(t, []string{"api", "ui", "none"}, "tag")
	}
	if rarely(t, 5, "mine or not") {
		f.Mine = new(rapid.Bool().Draw(t, "mine"))
	}
	return f
}

// wants says whether a list with these filters has a ticket.
func (f filter) wants(s *actor, state spec.State, id string) bool {
	t := state.Tickets[id]
	mine := t.Status == spec.InProgress && t.Holder == s.key
	return !t.Malformed && (f.Status == "" || t.Status == f.Status) &&
		(f.Type == "" || t.Type == f.Type) &&
		(f.Priority == 0 || t.Priority == f.Priority) && (f.Parent == "" || t.Parent == f.Parent) &&
		(f.Blocked == nil || *f.Blocked == spec.WaitsForBlocker(state, id)) &&
		(f.Mine == nil || *f.Mine == mine) &&
		(f.Tag == "" || spec.HasTag(t, f.Tag))
}

// checkList reads all pages of a list and holds them against the state.
func (w *world) checkList(s *actor, l look, f filter) {
	w.t.Helper()
	var want []string
	for id := range l.state.Tickets {
		if f.wants(s, l.state, id) {
			want = append(want, id)
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		return cmp.Or(cmp.Compare(l.state.Tickets[a].Created, l.state.Tickets[b].Created),
			cmp.Compare(a, b))
	})
	text, err := json.Marshal(f)
	must(w.t, err)
	args := map[string]any{}
	must(w.t, json.Unmarshal(text, &args))
	var got []string
	for {
		r := call(w.t, s.board, "list", args)
		if len(got) == 0 {
			w.checkProblems(r, l)
		}
		got = append(got, r.ids("tickets")...)
		w.checkCounts(r, l)
		more, _ := r.fields["more"].(float64)
		if len(got)+int(more) != len(want) {
			w.t.Fatalf("list %s: %d so far and %v more, want %v", text, len(got), more, want)
		}
		cursor := r.str("next_cursor")
		if (cursor == "") != (more == 0) {
			w.t.Fatalf("list %s: %v more, cursor %q", text, more, cursor)
		}
		if cursor == "" {
			break
		}
		args["cursor"] = cursor
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("list %s: %v, want %v\n%s", text, got, want, l.dump())
	}
}

// checkCounts holds what rows say of blockers and children against the state.
func (w *world) checkCounts(r reply, l look) {
	w.t.Helper()
	rows, _ := r.fields["tickets"].([]any)
	for _, one := range rows {
		fields, _ := one.(map[string]any)
		id, _ := fields["id"].(string)
		t := l.state.Tickets[id]
		want := map[string]float64{}
		for _, b := range t.BlockedBy {
			if blocker := l.state.Tickets[b]; t.Status != spec.Closed &&
				(blocker.Malformed || blocker.Status != spec.Closed) {
				want["waits_for"]++
			}
		}
		for _, child := range l.state.Tickets {
			if child.Parent == id && !child.Malformed {
				want["children"]++
				if child.Status != spec.Closed {
					want["open_children"]++
				}
			}
		}
		for _, count := range []string{"waits_for", "children", "open_children"} {
			if got, _ := fields[count].(float64); got != want[count] {
				w.t.Fatalf("list says of %s: %s %v, want %v\n%s", id, count, got, want[count],
					l.dump())
			}
		}
	}
}

// checkShow holds one ticket against the state: its own fields, and how it stands with others.
func (w *world) checkShow(s *actor, l look, id string) {
	w.t.Helper()
	r := call(w.t, s.board, "show", map[string]any{"id": id})
	t, exists := l.state.Tickets[id]
	var code spec.Code
	switch {
	case !spec.ValidID(id):
		code = spec.Invalid
	case !exists:
		code = spec.NotFound
	case t.Malformed && !t.Fenced:
		code = spec.Malformed
	}
	if spec.Code(r.code) != code {
		w.t.Fatalf("show %s: %q, want %q", id, r.code, code)
	}
	if t.Malformed && code == "" && (r.str("status") != "malformed" ||
		!strings.Contains(r.str("message"), id+".md:")) {
		w.t.Fatalf("show %s: %s", id, r.text)
	}
	if code != "" || t.Malformed {
		return
	}
	var children, blocks []string
	for other, of := range l.state.Tickets {
		if of.Parent == id && !of.Malformed {
			children = append(children, other)
		}
		if slices.Contains(of.BlockedBy, id) {
			blocks = append(blocks, other)
		}
	}
	holder := ""
	if t.Status == spec.InProgress {
		holder = map[spec.Life]string{spec.Alive: "alive", spec.Dead: "dead", spec.InGrace: "dead",
			spec.CannotTell: "unknown"}[l.state.Sessions[t.Holder]]
		switch {
		case t.Holder == s.key:
			holder = "mine"
		case isPerson(t.Holder):
			holder = "a person"
		}
	}
	if t.Holder == s.key && !isPerson(s.key) && w.lives[s.key] != spec.Alive {
		// a session that has no lock yet, or no longer, does not know what the others see
		holder = r.str("holder")
	}
	if r.str("id") != id || r.str("status") != string(t.Status) || r.str("holder") != holder ||
		!same(r.ids("children"), children) || !same(r.ids("blocks"), blocks) ||
		!same(r.ids("blocked_by"), t.BlockedBy) {
		w.t.Fatalf("show %s (holder %q, children %v, blocks %v):\n%s\n%s", id, holder, children,
			blocks, r.text, l.dump())
	}
	if _, body, _ := strings.Cut(l.files[id+".md"].content[3:],
		"\n---"); !strings.HasSuffix(strings.TrimLeft(body, "\r\n"), r.str("body")) {
		w.t.Fatalf("show %s: body %q", id, r.str("body"))
	}
}

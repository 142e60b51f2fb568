package tools_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// do runs one operation through the program and through the oracle, and fails the test where they
// differ.
func (w *world) do(s *actor, u spec.UserInput) spec.Result {
	w.t.Helper()
	before := w.look()
	op := spec.Op{User: u, Machine: spec.MachineInput{
		Session: s.key, Now: w.now.Truncate(time.Second).UnixMilli(), Former: s.started[u.ID], Lane: s.board.Tags,
	}}
	tool, args := arguments(u)
	said, err := json.Marshal(args)
	must(w.t, err)
	r := call(w.t, s.board, tool, args)
	got := resultOf(u.Verb, r)
	op.Machine.NewID = cmp.Or(got.ID, "unused")
	if u.Verb == spec.Plan {
		op.Machine.NewIDs = newIDs(u, got)
		got = withoutNew(u, got)
	}
	w.note(s, op, got, before)
	after := w.look()
	w.t.Logf("%s: %s %s -> %+v", s.name, tool, said, got)
	faults := judge(before, after, op, got)
	if got.Code == spec.OK && !got.AlreadyYours && u.Verb != spec.Plan {
		faults = append(faults, w.stamps(s, u, after, got.ID, r.str("title"))...)
	}
	if len(faults) > 0 {
		w.t.Fatalf("%s: %s %s: %s\n%s\nbefore:\n%safter:\n%s", s.name, tool, said,
			strings.Join(faults, "\n"), r.text, before.dump(), after.dump())
	}
	return got
}

// judge says where an answer, or what it left in the folder, is not what the oracle says. got is
// what the program answered.
func judge(before, after look, op spec.Op, got spec.Result) (faults []string) {
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	if _, used := before.state.Tickets[op.Machine.NewID]; op.User.Verb == spec.Create && used {
		return []string{"create answers an id that is in use: " + op.Machine.NewID}
	}
	wantState, want := spec.Step(before.state, op)
	fault(want.Code != got.Code, "code %q, want %q", got.Code, want.Code)
	// The order of what a close made ready is nowhere promised.
	slices.Sort(want.Unblocked)
	slices.Sort(got.Unblocked)
	// Nor that of what was dropped below a ticket, but that leaves come before their parents.
	slices.Sort(want.Dropped)
	slices.Sort(got.Dropped)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" && want.Code == got.Code {
		faults = append(faults, "answer (-want +got):\n"+diff)
	}
	if diff := gocmp.Diff(wantState.Tickets, after.state.Tickets,
		cmpopts.EquateEmpty()); diff != "" {
		faults = append(faults, "tickets (-want +got):\n"+diff)
	}
	touched, littered := written(before, after)
	faults = append(faults, littered...)
	for _, id := range touched {
		fault(got.Code != spec.OK, "the refusal wrote %s", id)
		asked := op.User.Verb == spec.Plan && !op.User.DryRun &&
			slices.Contains(slices.Collect(maps.Values(op.Machine.NewIDs)), id) || id == got.ID ||
			id == got.Next || slices.Contains(got.Dropped, id)
		fault(got.Code == spec.OK && (!asked || got.AlreadyYours),
			"wrote %s, which it was not asked for", id)
	}
	// What only operations have built stays sound; what a hand has broken need not be repaired.
	if len(spec.Invariants(before.state)) == 0 {
		for _, broken := range spec.Invariants(after.state) {
			faults = append(faults, "invariant: "+broken)
		}
	}
	return faults
}

// stamps judges what the oracle does not know: the texts of claims and the times in a ticket that a
// success has written. title is what the answer says.
func (w *world) stamps(s *actor, u spec.UserInput, after look, id, title string) (faults []string) {
	d, err := document.Parse(id, []byte(after.files[id+".md"].content))
	if err != nil && u.Verb == spec.Note {
		return nil // what is noted may be malformed
	}
	if err != nil {
		return []string{err.Error()}
	}
	t := d.Ticket()
	fault := func(wrong bool, what string, got any) {
		if wrong {
			faults = append(faults, fmt.Sprintf("%s: %s is %v", id, what, got))
		}
	}
	claim := claimOf(s.name)
	if u.Agent != "" {
		claim = u.Agent + "@" + s.key
	}
	started := u.Verb == spec.Start || u.Verb == spec.StartNext
	fault(title != strings.ReplaceAll(t.Title, "\t", " "), "the title in the answer", title)
	if t.Status == document.StatusInProgress && holderOf(t.ClaimedBy) == s.key {
		fault(started && t.ClaimedBy != claim, "claimed-by", t.ClaimedBy)
		fault(t.ClaimedAt.IsZero() || t.ClaimedAt.After(w.now), "claimed-at", t.ClaimedAt)
	}
	if t.Status == document.StatusClosed {
		fault(t.Closed.After(w.now), "closed", t.Closed)
	}
	return faults
}

// note notes what an operation changes beside the tickets.
func (w *world) note(s *actor, op spec.Op, got spec.Result, before look) {
	file, exists := before.files[op.User.ID+".md"]
	switch op.User.Verb {
	case spec.Start:
		if exists && file.info.Mode().IsRegular() && !isPerson(s.name) {
			w.settled(s)
		}
	case spec.StartNext, spec.Close:
		if got.Code == spec.OK && (got.Next != "" || op.User.Verb == spec.StartNext) &&
			!isPerson(s.name) {
			w.settled(s)
		}
	}
	if s.holds {
		w.settled(s) // each call looks after its slot
	}
	if got.Code != spec.OK {
		return
	}
	switch op.User.Verb {
	case spec.Start, spec.StartNext:
		s.started[got.ID] = true
	case spec.Close, spec.Release:
		delete(s.started, got.ID)
		if got.Next != "" {
			s.started[got.Next] = true
		}
	case spec.Create:
		w.ids = append(w.ids, got.ID)
	case spec.Plan:
		for _, p := range op.User.Tickets {
			if id := got.IDs[p.Name]; id != "" && !op.User.DryRun &&
				!slices.Contains(got.Exists, p.Name) {
				w.ids = append(w.ids, id)
			}
		}
	}
}

// caller is a session that asks, for the oracle.
func (w *world) caller(s *actor) spec.Op {
	return spec.Op{Machine: spec.MachineInput{Session: s.key, Now: w.now.UnixMilli()}}
}

// arguments are those of a call.
func arguments(u spec.UserInput) (tool string, args map[string]any) {
	args = map[string]any{}
	set := func(name string, given bool, value any) {
		if given {
			args[name] = value
		}
	}
	tool, _, _ = strings.Cut(string(u.Verb), " ") // "start next" is start without an id
	set("id", !slices.Contains([]spec.Verb{spec.StartNext, spec.Create, spec.Plan}, u.Verb), u.ID)
	if u.Verb == spec.Plan {
		tickets := []any{}
		for _, p := range u.Tickets {
			planned := p.New
			planned.Verb = spec.Create
			_, fields := arguments(planned)
			fields["name"] = p.Name
			tickets = append(tickets, fields)
		}
		set("tickets", true, tickets)
		set("plan", u.Plan != "", u.Plan)
		set("dry_run", u.DryRun, true)
	}
	set("agent", u.Agent != "", u.Agent)
	set("takeover", u.Takeover, true)
	set("reason", u.Reason != "", u.Reason)
	set("text", u.Verb == spec.Note, u.Text)
	set("blocked_by", u.Verb == spec.Block || u.Verb == spec.Unblock, u.Blocker)
	set("blocked_by", u.BlockedBy != nil, u.BlockedBy)
	set("title", u.Title != nil, u.Title)
	set("type", u.Type != nil, u.Type)
	set("priority", u.Priority != nil, u.Priority)
	set("assignee", u.Assignee != nil, u.Assignee)
	set("parent", u.Parent != nil, u.Parent)
	set("tags", u.Tags != nil, u.Tags)
	set("tag", u.Tag != "", u.Tag)
	set("resolution", u.Resolution != spec.Done, u.Resolution)
	set("duplicate_of", u.DuplicateOf != "", u.DuplicateOf)
	set("children", u.Children, true)
	set("evidence", u.Evidence != nil, u.Evidence)
	set("next", u.Next, true)
	set("hold", u.Hold != nil, u.Hold)
	if u.HoldUntil != nil {
		text := "" // no end
		if *u.HoldUntil != 0 {
			text = time.UnixMilli(*u.HoldUntil).UTC().Format(time.RFC3339)
		}
		set("hold_until", true, text)
	}
	return tool, args
}

var takenOver = regexp.MustCompile(`, taken over from (.*?)(?: since | \(|\n|$)`)

// resultOf reads the facts off an answer.
func resultOf(verb spec.Verb, r reply) spec.Result {
	if r.code != "" {
		return spec.Result{Code: spec.Code(r.code)}
	}
	result := spec.Result{ID: r.str("id")}
	switch verb {
	case spec.Start, spec.StartNext:
		message := r.str("message")
		result.AlreadyYours = r.fields["already_yours"] == true
		if m := takenOver.FindStringSubmatch(message); m != nil {
			result.TakenOver = true
			if m[1] != "an unnamed holder" {
				result.From = holderOf(m[1])
			}
		}
	case spec.Plan:
		result.IDs, result.Exists, result.Layers = plannedIn(r)
	case spec.Close:
		result.Unblocked = r.ids("unblocked")
		below, _ := r.fields["dropped"].([]any)
		for _, id := range below {
			result.Dropped = append(result.Dropped, fmt.Sprint(id))
		}
		if next, ok := r.fields["next"].(map[string]any); ok {
			result.Next, _ = next["id"].(string)
		}
		code, _, _ := strings.Cut(r.str("next_reason"), ":")
		result.NextCode = spec.Code(code)
	}
	return result
}

package tools_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Scenarios are written in the notation of the oracle's own tests. A board is one line, and so is
// each step:
//
//	a in_progress by=me/sub parent=p; p open blocked=x,y; x closed; m malformed mentions=a
//
//	me: start a takeover -> claimed
//	me: create title=more parent=p as=n -> ok
//	you: close x -> ok unblocked=n
//	you: start -> ok id=n from=gone
//	me: start n -> ok already_yours
//	me dies
//	me returns
//	me is lost
//	wait 11s
//
// Sessions: gone is dead, fresh has just died, of far (on another host) and lost (without a file)
// nobody can tell, any other begins when it is named. Tickets are tasks of priority 2 and grow
// younger from left to right. An underscore stands for a space, `as` names what a create made.

// scenario is a board, steps, and the answers that are expected of program and oracle alike.
type scenario struct {
	name, board, steps string
}

func (w *world) play(s scenario) {
	w.t.Helper()
	w.layBoard(s.board)
	made := map[string]string{} // by `as`
	for line := range strings.Lines(s.steps) {
		if line = strings.TrimSpace(line); line != "" {
			w.t.Logf("- %s", line)
			w.playLine(line, made)
		}
	}
}

func (w *world) playLine(line string, made map[string]string) {
	w.t.Helper()
	words := strings.Fields(line)
	switch who, what := words[0], strings.Join(words[1:], " "); {
	case who == "wait":
		d, err := time.ParseDuration(what)
		must(w.t, err)
		w.now = w.now.Add(d)
		return
	case what == "dies":
		w.die(w.session(who))
		return
	case what == "returns":
		w.begin(w.session(who))
		return
	case what == "is lost":
		w.lose(w.session(who))
		return
	}
	who, rest, _ := strings.Cut(line, ": ")
	call, expected, _ := strings.Cut(rest, " -> ")
	u, as := operation(call, made)
	got := w.do(w.session(who), u)
	if as != "" {
		made[as] = got.ID
	}
	if diff := unexpected(got, expected, made); diff != "" {
		w.t.Errorf("%s: %s", line, diff)
	}
}

// operation reads a call.
func operation(call string, made map[string]string) (u spec.UserInput, as string) {
	name := func(id string) string { return cmp.Or(made[id], id) }
	names := func(list string) []string {
		ids := strings.Split(list, ",")
		for i := range ids {
			ids[i] = name(ids[i])
		}
		return ids
	}
	words := strings.Fields(call)
	u.Verb, words = spec.Verb(words[0]), words[1:]
	switch {
	case u.Verb == spec.Start && (len(words) == 0 || strings.Contains(words[0], "=")):
		u.Verb = spec.StartNext
	case u.Verb != spec.Create:
		u.ID, words = name(strings.Trim(words[0], `"`)), words[1:]
	}
	for _, word := range words {
		key, v, _ := strings.Cut(word, "=")
		text := strings.ReplaceAll(v, "_", " ")
		switch key {
		case "takeover":
			u.Takeover = true
		case "agent":
			u.Agent = v
		case "reason":
			u.Reason = text
		case "text":
			u.Text = text
		case "title":
			u.Title = &text
		case "type":
			u.Type = &v
		case "priority":
			u.Priority = new(int)
			*u.Priority, _ = strconv.Atoi(v)
		case "assignee":
			u.Assignee = &text
		case "parent":
			v = name(v)
			u.Parent = &v
		case "blocked":
			u.BlockedBy = names(v)
		case "on":
			u.Blocker = name(v)
		case "tags":
			u.Tags = strings.FieldsFunc(v, func(r rune) bool { return r == ',' })
		case "tag":
			u.Tag = v
		case "as":
			as = v
		default:
			panic("operation: " + word)
		}
	}
	return u, as
}

// unexpected says where a result is not the expected one: `ok` and its facts, or a code.
func unexpected(got spec.Result, expected string, made map[string]string) string {
	words := strings.Fields(expected)
	want := spec.Result{Code: spec.Code(words[0])}
	if want.Code == "ok" {
		want = spec.Result{ID: got.ID}
	}
	for _, word := range words[1:] {
		key, v, _ := strings.Cut(word, "=")
		switch key {
		case "already_yours":
			want.AlreadyYours = true
		case "from":
			want.TakenOver, want.From = true, holderOf(claimOf(v))
		case "id":
			want.ID = cmp.Or(made[v], v)
		case "unblocked":
			for id := range strings.SplitSeq(v, ",") {
				want.Unblocked = append(want.Unblocked, cmp.Or(made[id], id))
			}
			slices.Sort(want.Unblocked)
		default:
			panic("expected: " + word)
		}
	}
	slices.Sort(got.Unblocked)
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		return "got " + g + ", want " + w
	}
	return ""
}

// strangers are the sessions that run no process here, and what can be told of them.
var strangers = map[string]spec.Life{"gone": spec.Dead, "fresh": spec.InGrace,
	"far": spec.CannotTell}

// claimOf is what stands in a ticket for a holder: of a session by its name, else the text itself.
func claimOf(who string) string {
	if who == "" || strings.HasSuffix(who, "!") {
		return strings.TrimSuffix(who, "!") // bob! is a claim that names no session
	}
	if isPerson(who) {
		return who
	}
	if s, agent, named := strings.Cut(who, "/"); named {
		return agent + "@" + keyOf(s)
	}
	return who + "@" + keyOf(who)
}

// layBoard writes a board into the folder.
func (w *world) layBoard(line string) {
	for name, life := range strangers {
		w.mark(name, life)
	}
	for i, one := range strings.Split(line, ";") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		t := spec.Ticket{Status: spec.Status(words[1]), Title: words[0], Type: "task", Priority: 2,
			Created: began.Unix() - 1000 + int64(i)}
		for _, word := range words[2:] {
			key, v, _ := strings.Cut(word, "=")
			text := strings.ReplaceAll(v, "_", " ")
			switch key {
			case "by":
				t.Holder = claimOf(v)
				v, _, _ = strings.Cut(v, "/")
				if _, strange := strangers[v]; !strange && v != "lost" && !isPerson(v) &&
					!strings.HasSuffix(v, "!") {
					w.settle(w.session(v))
				}
			case "parent":
				t.Parent = v
			case "tags":
				t.Tags = strings.Split(v, ",")
			case "blocked":
				t.BlockedBy = strings.Split(v, ",")
			case "mentions":
				t.Mentions = strings.Split(v, ",")
			case "type":
				t.Type = v
			case "title":
				t.Title = text
			case "assignee":
				t.Assignee = text
			case "priority":
				t.Priority, _ = strconv.Atoi(v)
			case "reason":
				t.CloseReason = text
			case "created":
				t.Created, _ = strconv.ParseInt(v, 10, 64)
			default:
				panic("board: " + word)
			}
		}
		t.Malformed = words[1] == "malformed"
		w.lay(words[0], t, style{})
	}
}

// settle makes a session alive to the others, as its first start does.
func (w *world) settle(s *actor) {
	w.t.Helper()
	_, err := s.board.Session.Attend(w.dir, session.Call{Agent: s.name}).Claim()
	must(w.t, err)
	w.settled(s)
}

func TestNotation(t *testing.T) {
	for _, tt := range []struct {
		got      spec.Result
		expected string
		ok       bool
	}{
		{spec.Result{ID: "a"}, "ok", true},
		{spec.Result{ID: "a"}, "ok id=a", true},
		{spec.Result{ID: "a"}, "ok id=b", false},
		{spec.Result{ID: "a"}, "claimed", false},
		{spec.Result{Code: spec.Claimed}, "claimed", true},
		{spec.Result{Code: spec.Claimed}, "ok", false},
		{spec.Result{ID: "a", AlreadyYours: true}, "ok", false},
		{spec.Result{ID: "a", TakenOver: true, From: keyOf("gone")}, "ok from=gone", true},
		{spec.Result{ID: "a", TakenOver: true}, "ok from=", true},
		{spec.Result{ID: "a", TakenOver: true}, "ok", false},
		{spec.Result{ID: "a", Unblocked: []string{"c", "b"}}, "ok unblocked=b,c", true},
		{spec.Result{ID: "a", Unblocked: []string{"c"}}, "ok", false},
	} {
		if diff := unexpected(tt.got, tt.expected, nil); (diff == "") != tt.ok {
			t.Errorf("%+v as %s: %q", tt.got, tt.expected, diff)
		}
	}
}

package spec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The tests write boards and operations in one line each, so that a row of a
// test reads like a row of the table:
//
//	a in_progress by=me parent=p; p open blocked=x,y; x closed; m malformed mentions=a
//	start a takeover
//	plan evening / x / y parent=x / z blocked=x,y
//
// Sessions: me (the caller) and live are alive, gone is dead, late is dead and
// in its grace, of lost nobody can tell. me/sub is the agent sub of me. It is
// 99 o'clock. A plan makes n-x of x. Tickets are tasks of priority 2 and grow younger from left to
// right. An underscore stands for a space.

var sessions = map[string]Life{"me": Alive, "live": Alive, "gone": Dead, "late": InGrace}

const now = 99

func board(line string) State {
	s := State{Tickets: map[string]Ticket{}, Sessions: sessions}
	for i, one := range strings.Split(line, ";") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		id, status := words[0], Status(words[1])
		t := Ticket{Status: status, Title: id, Type: "task", Priority: 2, Created: int64(i)}
		if status == "malformed" {
			t = Ticket{Malformed: true}
		}
		for _, w := range words[2:] {
			key, v, _ := strings.Cut(w, "=")
			v = strings.ReplaceAll(v, "_", " ")
			switch key {
			case "by":
				t.Holder, t.Agent, _ = strings.Cut(v, "/")
			case "parent":
				t.Parent = v
			case "blocked":
				t.BlockedBy = strings.Split(v, ",")
			case "mentions":
				t.Mentions = strings.Split(v, ",")
			case "title":
				t.Title = v
			case "type":
				t.Type = v
			case "priority":
				t.Priority, _ = strconv.Atoi(v)
			case "assignee":
				t.Assignee = v
			case "reason":
				t.CloseReason = v
			case "closed-by":
				t.ClosedBy = v
			case "as":
				t.Resolution = Resolution(v)
			case "evidence":
				t.Evidence = strings.Split(v, ",")
			case "links":
				t.Links = strings.Split(v, ",")
			case "tags":
				t.Tags = strings.Split(v, ",")
			case "hold":
				t.Hold = v
			case "until":
				t.HoldUntil, _ = strconv.ParseInt(v, 10, 64)
			case "ref":
				t.PlanRef = v
			case "notes":
				t.Notes = strings.Split(v, ",")
			case "created":
				t.Created, _ = strconv.ParseInt(v, 10, 64)
			default:
				panic("board: " + w)
			}
		}
		s.Tickets[id] = t
	}
	return s
}

// op reads an operation. A create makes the ticket n, younger than all.
func op(line string) Op {
	steps := strings.Split(line, " / ")
	words := strings.Fields(steps[0])
	o := Op{
		User:    UserInput{Verb: Verb(words[0])},
		Machine: MachineInput{Session: "me", NewID: "n", Now: now},
	}
	words = words[1:]
	switch {
	case o.User.Verb == Plan:
		for len(words) > 0 && !strings.Contains(words[0], "=") && words[0] != "dry" {
			o.User.Plan, words = words[0], words[1:]
		}
		o.Machine.NewIDs = map[string]string{}
		for _, one := range steps[1:] {
			name, rest, _ := strings.Cut(one, " ")
			p := op("create title=" + name + " " + rest)
			o.User.Tickets = append(o.User.Tickets, Planned{name, p.User})
			o.Machine.NewIDs[name] = "n-" + name
		}
	case o.User.Verb == Start && (len(words) == 0 || strings.Contains(words[0], "=")):
		o.User.Verb = StartNext
	case o.User.Verb != Create:
		o.User.ID, words = strings.Trim(words[0], `"`), words[1:]
	}
	for _, w := range words {
		key, v, _ := strings.Cut(w, "=")
		read, known := argument[key]
		if !known {
			panic("op: " + w)
		}
		read(&o, strings.ReplaceAll(v, "_", " "))
	}
	return o
}

// argument is what the words of an operation mean.
var argument = map[string]func(o *Op, v string){
	"by": func(o *Op, v string) { o.Machine.Session, o.User.Agent, _ = strings.Cut(v, "/") },

	"takeover": func(o *Op, _ string) { o.User.Takeover = true },
	"force":    func(o *Op, _ string) { o.User.Force = true },
	"former":   func(o *Op, _ string) { o.Machine.Former = true },
	"lane":     func(o *Op, v string) { o.Machine.Lane = strings.Split(v, ",") },
	"reason":   func(o *Op, v string) { o.User.Reason = v },
	"as":       func(o *Op, v string) { o.User.Resolution = Resolution(v) },
	"of":       func(o *Op, v string) { o.User.DuplicateOf = v },
	"children": func(o *Op, _ string) { o.User.Children = true },
	"next":     func(o *Op, _ string) { o.User.Next = true },
	"evidence": func(o *Op, v string) { o.User.Evidence = strings.Split(v, ",") },
	"text":     func(o *Op, v string) { o.User.Text = v },
	"title":    func(o *Op, v string) { o.User.Title = &v },
	"type":     func(o *Op, v string) { o.User.Type = &v },
	"priority": func(o *Op, v string) { o.User.Priority = new(number(v)) },
	"assignee": func(o *Op, v string) { o.User.Assignee = &v },
	"parent":   func(o *Op, v string) { o.User.Parent = &v },
	"tags":     func(o *Op, v string) { o.User.Tags = strings.FieldsFunc(v, func(r rune) bool { return r == ',' }) },
	"tag":      func(o *Op, v string) { o.User.Tag = v },
	"hold":     func(o *Op, v string) { o.User.Hold = &v },
	"until":    func(o *Op, v string) { o.User.HoldUntil = new(int64(number(v))) },
	"blocked":  func(o *Op, v string) { o.User.BlockedBy = strings.Split(v, ",") },
	"on":       func(o *Op, v string) { o.User.Blocker = v }, // block a on=b
	"dry":      func(o *Op, _ string) { o.User.DryRun = true },
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// row is one line of a test: on this board this operation answers code. After
// a success the board is the old one with the tickets of after written over.
type row struct {
	board string
	op    string
	code  Code
	after string
}

func run(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(fmt.Sprintf("%s on %s", r.op, r.board), func(t *testing.T) {
			before := board(r.board)
			got, result := Step(before, op(r.op))
			if result.Code != r.code {
				t.Fatalf("code %q, want %q", result.Code, r.code)
			}
			want := board(r.board)
			for id, ticket := range board(r.after).Tickets {
				if old, ok := want.Tickets[id]; ok {
					ticket.Created = old.Created
				}
				want.Tickets[id] = ticket
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("state\n%v, want\n%v", got.Tickets, want.Tickets)
			}
			if !reflect.DeepEqual(before, board(r.board)) {
				t.Error("Step wrote to its argument")
			}
		})
	}
}

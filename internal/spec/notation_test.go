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
//
// Sessions: me (the caller) and live are alive, gone is dead, of lost nobody
// can tell. Tickets are tasks of priority 2 and grow younger from left to
// right. An underscore stands for a space.

var sessions = map[string]Life{"me": Alive, "live": Alive, "gone": Dead}

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
				t.Holder = v
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
	words := strings.Fields(line)
	o := Op{
		User:    UserInput{Verb: Verb(words[0])},
		Machine: MachineInput{Session: "me", NewID: "n", Now: 99},
	}
	words = words[1:]
	switch {
	case o.User.Verb == Start && (len(words) == 0 || strings.Contains(words[0], "=")):
		o.User.Verb = StartNext
	case o.User.Verb != Create:
		o.User.ID, words = strings.Trim(words[0], `"`), words[1:]
	}
	for _, w := range words {
		key, v, _ := strings.Cut(w, "=")
		v = strings.ReplaceAll(v, "_", " ")
		switch key {
		case "takeover":
			o.User.Takeover = true
		case "former":
			o.Machine.Former = true
		case "justdied":
			o.Machine.JustDied = []string{v}
		case "reason":
			o.User.Reason = v
		case "text":
			o.User.Text = v
		case "title":
			o.User.Title = &v
		case "type":
			o.User.Type = &v
		case "priority":
			o.User.Priority = new(int)
			*o.User.Priority, _ = strconv.Atoi(v)
		case "assignee":
			o.User.Assignee = &v
		case "parent":
			o.User.Parent = &v
		case "blocked":
			o.User.BlockedBy = strings.Split(v, ",")
		case "on": // block a on=b
			o.User.Blocker = v
		default:
			panic("op: " + w)
		}
	}
	return o
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

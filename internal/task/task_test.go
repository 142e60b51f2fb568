package task

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a time that a test sets.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func begin() (*clock, *Table) {
	c := &clock{time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)}
	return c, NewTable(c.now)
}

// TestLife: what a task shows in each of its states, and how long it can be asked for.
func TestLife(t *testing.T) {
	result := json.RawMessage(`{"content":[]}`)
	fault := json.RawMessage(`{"code":-32603,"message":"panic"}`)
	for _, test := range []struct {
		name  string
		end   func(*Table, State)
		want  Status
		field json.RawMessage
	}{
		{"completed", func(tb *Table, _ State) { tb.Finish("c", result, nil) }, completed, result},
		{"failed", func(tb *Table, _ State) { tb.Finish("c", nil, fault) }, failed, fault},
		{"cancelled", func(tb *Table, s State) { tb.Cancel(s.ID) }, cancelled, nil},
		{"cancelled, then answered", func(tb *Table, s State) {
			tb.Cancel(s.ID)
			tb.Finish("c", result, nil)
		}, cancelled, nil},
		{"answered, then cancelled", func(tb *Table, s State) {
			tb.Finish("c", result, nil)
			if call, known := tb.Cancel(s.ID); call != "" || !known {
				t.Errorf("cancelling what has ended ends %q, known %v", call, known)
			}
		}, completed, result},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, tb := begin()
			begun := tb.Begin("c", "nothing yet", time.Hour)
			if begun.Status != working || begun.TTL != (time.Hour+Keep).Milliseconds() {
				t.Errorf("%+v", begun)
			}
			c.Time = c.Add(time.Minute)
			tb.Say("c", "still nothing")
			if s, known := tb.Get(begun.ID); !known || s.Message != "still nothing" ||
				!s.Updated.Equal(c.Time) || !s.Created.Equal(begun.Created) {
				t.Errorf("%v %+v", known, s)
			}
			c.Time = c.Add(2 * Keep) // asking for what works does not make it old
			test.end(tb, begun)
			if tb.Working("c") != (test.name == "cancelled") {
				t.Error("the call's answer is awaited, or not")
			}
			ended := c.Time
			c.Time = c.Add(Keep - time.Second)
			s, known := tb.Get(begun.ID)
			got := s.Result
			if got == nil {
				got = s.Error
			}
			if !known || s.Status != test.want || string(got) != string(test.field) ||
				s.Message != "" || !s.Updated.Equal(ended) {
				t.Fatalf("%v %+v", known, s)
			}
			if test.want != cancelled {
				c.Time = c.Add(Keep - time.Second)
				if _, known := tb.Get(begun.ID); !known {
					t.Error("forgotten before its time")
				}
			}
			c.Time = c.Add(time.Second)
			if _, known := tb.Get(begun.ID); known || tb.Known(begun.ID) {
				t.Error("kept beyond its time")
			}
		})
	}
}

// TestNobodyFetches: what nobody fetches goes with its time, and beyond maxKept the oldest first.
func TestNobodyFetches(t *testing.T) {
	c, tb := begin()
	var ids []string
	for i := range maxKept + 10 {
		call := fmt.Sprint(i)
		ids = append(ids, tb.Begin(call, "", time.Hour).ID)
		c.Time = c.Add(time.Millisecond)
		tb.Finish(call, json.RawMessage(`{}`), nil)
	}
	works := tb.Begin("works", "", time.Hour)
	for i, id := range ids {
		if known := tb.Known(id); known != (i >= 10) {
			t.Errorf("task %d: known %v", i, known)
		}
	}
	c.Time = c.Add(time.Hour + Keep)
	if tb.Begin("more", "", time.Hour); len(tb.tasks) != 2 {
		t.Errorf("%d tasks are kept", len(tb.tasks))
	}
	if s, known := tb.Get(works.ID); !known || s.Status != working {
		t.Error("a task that works was forgotten")
	}
}

// TestAnyOrder: whatever comes in whatever order, a task that ended shows the same end each time,
// and nothing is kept without a bound.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, tb := begin()
		ends := make(map[string]State)
		var ids []string
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			which := func() string {
				if len(ids) == 0 {
					return "unknown"
				}
				return rapid.SampledFrom(ids).Draw(t, "task")
			}
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				ids = append(ids, tb.Begin(fmt.Sprint(i), "", time.Hour).ID)
			case 1:
				for call := range tb.calls {
					tb.Finish(call, json.RawMessage(fmt.Sprint(i)), nil)
					break
				}
			case 2:
				tb.Cancel(which())
			case 3:
				c.Time = c.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "min")) * time.Minute)
			default:
				id := which()
				s, known := tb.Get(id)
				former, was := ends[id]
				if known && was && (s.Status != former.Status ||
					string(s.Result) != string(former.Result)) {
					t.Fatalf("the end of a task changed from %+v to %+v", former, s)
				}
				if known && s.Status != working {
					ends[id] = s
				}
			}
		}
	})
}

// TestRace: of a cancel and an answer at the same time one wins, for everybody.
func TestRace(t *testing.T) {
	won := make(map[Status]int)
	for range 2000 {
		tb := NewTable(time.Now)
		s := tb.Begin("c", "", time.Hour)
		var both sync.WaitGroup
		var ends string
		both.Go(func() { tb.Finish("c", json.RawMessage(`1`), nil) })
		both.Go(func() { ends, _ = tb.Cancel(s.ID) })
		both.Wait()
		got, _ := tb.Get(s.ID)
		won[got.Status]++
		if (got.Status == cancelled) != (ends == "c") ||
			(got.Status == completed) != (got.Result != nil) || tb.Working("c") {
			t.Fatalf("%+v, and the call %q is to end", got, ends)
		}
	}
	t.Logf("ends: %v", won)
}

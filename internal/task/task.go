// Package task keeps calls that are answered later, as tasks of the MCP extension
// io.modelcontextprotocol/tasks (2026-07-28): the host gets a handle at once, and asks for the
// answer when it likes. What the calls do, and how messages travel, is not its business.
//
// Promised: a task is found from before its handle is given out until its answer has been fetched
// once, and for Keep after. One that was cancelled first never shows an answer, one that was
// answered first never becomes cancelled.
//
// Not promised: anything beyond the process. A task that nobody fetches goes when its time is over,
// or when maxKept younger ones have ended.
package task

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// Extension is the name by which clients and servers say that they know tasks.
const Extension = "io.modelcontextprotocol/tasks"

const (
	// Keep is how long the end of a task can be asked for again.
	Keep = 10 * time.Minute
	// pollInterval is how often hosts are told to ask. It is the longest that an agent learns of
	// its work too late.
	pollInterval = 5 * time.Second
	// maxKept bounds the tasks that have ended. Those that work are bounded by the calls that run.
	maxKept = 256
)

// Later lets a call be answered later: it says that the call waits, why, and how long it lasts at
// most. The first time makes it a task; more tell how it stands.
type Later func(status string, lasts time.Duration)

type laterKey struct{}

// NewContext is the context of a call whose host takes a task for an answer.
func NewContext(ctx context.Context, later Later) context.Context {
	return context.WithValue(ctx, laterKey{}, later)
}

// FromContext returns nil for a call that is to be answered as usual.
func FromContext(ctx context.Context) Later {
	later, _ := ctx.Value(laterKey{}).(Later)
	return later
}

// Status is how a task stands.
type Status string

const (
	working   Status = "working"
	completed Status = "completed"
	failed    Status = "failed" // by an error of the protocol; a tool's error completes it
	cancelled Status = "cancelled"
)

// State is a task as hosts see it.
type State struct {
	ID           string          `json:"taskId"`
	Status       Status          `json:"status"`
	Message      string          `json:"statusMessage,omitempty"`
	Created      time.Time       `json:"createdAt"`
	Updated      time.Time       `json:"lastUpdatedAt"`
	TTL          int64           `json:"ttlMs"`
	PollInterval int64           `json:"pollIntervalMs"`
	Result       json.RawMessage `json:"result,omitempty"`
	Error        json.RawMessage `json:"error,omitempty"`
}

// task is a call that is answered later.
type task struct {
	State
	call    string    // the request, as the table's user names it
	expires time.Time // when it may be forgotten
	fetched bool      // its end
}

func (t *task) ended() bool { return t.Status != working }

// state is the task as it is now.
func (t *task) state() State {
	t.TTL = t.expires.Sub(t.Created).Milliseconds()
	return t.State
}

// Table is the tasks of one process. Its methods may be called by any number of goroutines.
type Table struct {
	now func() time.Time

	mu    sync.Mutex
	tasks map[string]*task // by id
	calls map[string]*task // those that work, by call
}

// NewTable is without tasks.
func NewTable(now func() time.Time) *Table {
	return &Table{now: now, tasks: make(map[string]*task), calls: make(map[string]*task)}
}

// Begin makes a call a task that lasts no longer than told.
func (t *Table) Begin(call, message string, lasts time.Duration) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	now := t.time()
	begun := &task{
		State: State{ID: rand.Text(), Status: working, Message: message, Created: now,
			Updated: now, PollInterval: pollInterval.Milliseconds()},
		call: call, expires: now.Add(lasts + Keep),
	}
	t.tasks[begun.ID], t.calls[call] = begun, begun
	return begun.state()
}

// Working reports whether a call is a task whose answer is not known yet.
func (t *Table) Working(call string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[call] != nil
}

// Say tells how the task of a call stands.
func (t *Table) Say(call, message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if told := t.calls[call]; told != nil && !told.ended() && told.Message != message {
		told.Message, told.Updated = message, t.time()
	}
}

// Finish gives the task of a call its result, or the error of the protocol that it ended with. A
// task that was cancelled needs neither any more.
func (t *Table) Finish(call string, result, err json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	finished := t.calls[call]
	delete(t.calls, call)
	switch {
	case finished == nil || finished.ended():
	case result != nil:
		t.end(finished, completed)
		finished.Result = result
	default:
		t.end(finished, failed)
		finished.Error = err
	}
}

func (t *Table) end(ended *task, how Status) {
	ended.Status, ended.Message, ended.Updated = how, "", t.time()
}

// time is now, as hosts are told.
func (t *Table) time() time.Time { return t.now().UTC().Truncate(time.Millisecond) }

// Get returns a task; false for one that is not known. What has ended is kept for a while from the
// first time that it is asked for.
func (t *Table) Get(id string) (State, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	asked := t.tasks[id]
	if asked == nil {
		return State{}, false
	}
	if asked.ended() && !asked.fetched {
		asked.fetched, asked.expires = true, t.now().Add(Keep)
	}
	return asked.state(), true
}

// Cancel ends a task, and returns the call that is to be ended with it, "" where that has ended; it
// reports whether the task is known.
func (t *Table) Cancel(id string) (call string, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	asked := t.tasks[id]
	if asked == nil || asked.ended() {
		return "", asked != nil
	}
	t.end(asked, cancelled)
	asked.fetched, asked.expires = true, t.now().Add(Keep) // who cancels knows the end
	return asked.call, true
}

// Known reports whether there is such a task.
func (t *Table) Known(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	return t.tasks[id] != nil
}

// sweep forgets tasks that have ended: those whose time is over, and the oldest beyond maxKept.
func (t *Table) sweep() {
	now := t.now()
	maps.DeleteFunc(t.tasks, func(_ string, old *task) bool {
		return old.ended() && !now.Before(old.expires)
	})
	var kept []*task
	for _, k := range t.tasks {
		if k.ended() {
			kept = append(kept, k)
		}
	}
	if len(kept) <= maxKept {
		return
	}
	slices.SortFunc(kept, func(a, b *task) int {
		return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID))
	})
	for _, oldest := range kept[:len(kept)-maxKept] {
		delete(t.tasks, oldest.ID)
	}
}

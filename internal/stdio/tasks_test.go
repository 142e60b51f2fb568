package stdio_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// modern are the parameters of a request of the revision without a handshake, whose client takes
// tasks, or does not.
func modern(tasks bool, members string) string {
	extensions := ""
	if tasks {
		extensions = `"extensions":{"io.modelcontextprotocol/tasks":{}}`
	}
	return fmt.Sprintf(`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},`+
		`"io.modelcontextprotocol/clientCapabilities":{%s}},%s}`, extensions, members)
}

// taskState is what the tests look at in the answers.
type taskState struct {
	ResultType, TaskID, Status string
	TTLMs                      int64
	Result                     struct {
		IsError           bool
		StructuredContent struct {
			Tickets  []struct{ ID string }
			TimedOut bool `json:"timed_out"`
		}
	}
}

// taskHost is a host that takes tasks.
type taskHost struct {
	*servertest.Wire
	t    *testing.T
	last int
}

func newTaskHost(t *testing.T, dir string) *taskHost {
	return &taskHost{Wire: servertest.Start(t, servertest.On(t, dir)), t: t}
}

// ask sends a request and returns its answer.
func (h *taskHost) ask(method, members string) (servertest.Message, taskState) {
	h.t.Helper()
	h.last++
	id := fmt.Sprint(h.last)
	h.Send(servertest.Request(id, method, modern(true, members)))
	m := h.Answer(id)
	var s taskState
	if m.Result != nil {
		if err := json.Unmarshal(m.Result, &s); err != nil {
			h.t.Fatalf("%s: %v", m.Line, err)
		}
	}
	return m, s
}

// call calls a tool that answers at once.
func (h *taskHost) call(tool, arguments string) {
	h.t.Helper()
	if m, _ := h.ask("tools/call", fmt.Sprintf(`"name":%q,"arguments":%s`, tool,
		arguments)); m.Kind() != "done" {
		h.t.Fatalf("%s: %s", tool, m.Line)
	}
}

// wait begins a task. The place of one that was cancelled may be free a moment later.
func (h *taskHost) wait(arguments string) (id string) {
	h.t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		m, s := h.ask("tools/call", `"name":"wait","arguments":`+arguments)
		if s.ResultType == "task" && s.Status == "working" && s.TaskID != "" {
			return s.TaskID
		}
		if !strings.Contains(m.Line, `"code":"busy"`) || time.Since(began) > servertest.Soon {
			h.t.Fatalf("wait %s: %s", arguments, m.Line)
		}
	}
}

// of asks for a task, or cancels it.
func (h *taskHost) of(method, id string) taskState {
	h.t.Helper()
	m, s := h.ask(method, fmt.Sprintf(`"taskId":%q,"inputResponses":{}`, id))
	if s.ResultType != "complete" {
		h.t.Fatalf("%s: %s", method, m.Line)
	}
	return s
}

// ended asks for a task until it has ended.
func (h *taskHost) ended(id string) taskState {
	h.t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		s := h.of("tasks/get", id)
		if s.Status != "working" {
			return s
		}
		if time.Since(began) > servertest.Soon {
			h.t.Fatal("the task does not end")
		}
	}
}

// Only who takes tasks by the very request gets one, and only where the call would wait.
func TestTaskOnlyWhereItIsWanted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	h := newTaskHost(t, servertest.OpenTickets(t, "alpha"))
	for _, test := range []struct{ name, params, want string }{
		{"an answer that is there", modern(true, `"name":"wait","arguments":{}`),
			`"id":"alpha"`},
		{"no time to wait", modern(true, `"name":"wait","arguments":{"tag":"x","seconds":0}`),
			`"timed_out":true`},
		{"another tool", modern(true, `"name":"ready","arguments":{"tag":"x"}`), `nothing is`},
		{"wrong arguments", modern(true, `"name":"wait","arguments":{"since":"x"}`),
			`"isError":true`},
		{"no extension declared",
			modern(false, `"name":"wait","arguments":{"tag":"x","seconds":1}`),
			`"timed_out":true`},
		{"an older revision", `{"name":"wait","arguments":{"tag":"x","seconds":1},` +
			`"task":{"ttl":60000}}`, `"timed_out":true`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.Send(servertest.Request(`"x"`, "tools/call", test.params))
			if m := h.Answer(`"x"`); !strings.Contains(m.Line, test.want) ||
				strings.Contains(m.Line, "taskId") {
				t.Errorf("%s", m.Line)
			}
		})
	}
	if rest, status := h.End(); len(rest) > 0 || status != 0 {
		t.Errorf("%d answers, status %d", len(rest), status)
	}
}

// Requests for tasks that cannot be served, each with its code.
func TestTaskRequestsRefused(t *testing.T) {
	h := newTaskHost(t, servertest.OpenTickets(t, "alpha"))
	id := h.wait(`{"tag":"x"}`)
	of := fmt.Sprintf(`"taskId":%q`, id)
	listen := `"notifications":{"taskIds":["x"]}`
	for _, test := range []struct{ name, method, params, want string }{
		{"unknown", "tasks/get", modern(true, `"taskId":"x"`), `-32602`},
		{"unknown", "tasks/update", modern(true, `"taskId":"x"`), `-32602`},
		{"unknown", "tasks/cancel", modern(true, `"taskId":"x"`), `-32602`},
		{"none", "tasks/get", modern(true, `"task":1`), `-32602`},
		{"a number", "tasks/get", modern(true, `"taskId":7`), `-32602`},
		{"not declared", "tasks/get", modern(false, of), `-32021`},
		{"not declared", "tasks/update", modern(false, of), `-32021`},
		{"not declared", "tasks/cancel", modern(false, of), `-32021`},
		{"not declared", "subscriptions/listen", modern(false, listen), `-32021`},
		{"of the former generation", "tasks/list", modern(true, of), `-32601`},
		{"of the former generation", "tasks/result", modern(true, of), `-32601`},
		{"an older revision", "tasks/get", "{" + of + "}", `-32601`},
		{"an unknown revision", "tasks/get",
			strings.Replace(modern(true, of), "2026-07-28", "2099-01-01", 1), `-32022`},
		{"no capabilities", "tasks/get",
			strings.Replace(modern(true, of), "clientCapabilities", "nothing", 1), `-32602`},
	} {
		t.Run(test.method+" "+test.name, func(t *testing.T) {
			h.Send(servertest.Request(`"x"`, test.method, test.params))
			if m := h.Answer(`"x"`); !strings.Contains(m.Line, `"code":`+test.want) {
				t.Errorf("%s", m.Line)
			}
		})
	}
	if s := h.of("tasks/get", id); s.Status != "working" {
		t.Errorf("%+v", s)
	}
	h.of("tasks/update", id)
}

// The end of input ends all tasks, and waits for none.
func TestTasksEndWithTheInput(t *testing.T) {
	h := newTaskHost(t, servertest.OpenTickets(t, "alpha"))
	for range 32 {
		h.wait(`{"tag":"x"}`)
	}
	m, _ := h.ask("tools/call", `"name":"wait","arguments":{"tag":"x"}`)
	if !strings.Contains(m.Line, `"code":"busy"`) {
		t.Errorf("one more than there may be: %s", m.Line)
	}
	began := time.Now()
	if rest, status := h.End(); len(rest) > 0 || status != 0 ||
		time.Since(began) > stdio.DrainTime {
		t.Errorf("%d answers, status %d, after %s", len(rest), status, time.Since(began))
	}
}

// A task sees what happens from the moment of its call on.
func TestTaskLosesNoWakeUp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := servertest.OpenTickets(t)
	h, other := newTaskHost(t, dir), newTaskHost(t, dir)
	times := 60
	if longtest.Wanted() {
		times = 1000
	}
	for i := range times {
		tag := fmt.Sprintf("t%d", i)
		var made sync.WaitGroup
		made.Go(func() {
			time.Sleep(rand.N(4 * time.Millisecond))
			other.call("create", fmt.Sprintf(`{"title":"x","tags":[%q]}`, tag))
		})
		m, s := h.ask("tools/call", fmt.Sprintf(`"name":"wait","arguments":{"tag":%q}`, tag))
		made.Wait()
		if s.ResultType == "task" {
			s = h.ended(s.TaskID)
			if len(s.Result.StructuredContent.Tickets) != 1 {
				t.Fatalf("%+v", s)
			}
		} else if !strings.Contains(m.Line, `1 ticket ready`) {
			t.Fatalf("%s", m.Line)
		}
	}
}

// Many tasks, in a long run a thousand, cancelled, completed, timed out and fetched or not, leave
// neither a descriptor nor a call that runs.
func TestTasksLeakNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	h := newTaskHost(t, servertest.OpenTickets(t))
	const width = 32
	waves := 10
	if longtest.Wanted() {
		waves = 32 // a thousand tasks
	}
	open := func() int {
		if runtime.GOOS != "linux" {
			return 0
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", h.Cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	var before int
	for wave := range waves {
		if wave == 1 {
			before = open()
		}
		var ids []string
		tag := fmt.Sprintf("t%d", wave)
		for i := range width {
			arguments := fmt.Sprintf(`{"tag":%q}`, tag)
			switch {
			case i%2 == 0: // to be cancelled, or it would be in the way of the next wave
				arguments = `{"tag":"none"}`
			case i%4 == 3 && wave%8 == 0:
				arguments = `{"tag":"none","seconds":1}`
			}
			ids = append(ids, h.wait(arguments))
		}
		for i, id := range ids {
			if i%2 == 0 {
				h.of("tasks/cancel", id)
			}
		}
		h.call("create", fmt.Sprintf(`{"title":"x","tags":[%q]}`, tag))
		for i, id := range ids {
			want := []string{"cancelled", "completed"}[i%2]
			if s := h.ended(id); s.Status != want || s.Result.IsError {
				t.Fatalf("task %d is %+v, not %s", i, s, want)
			}
		}
	}
	var after int
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if after = open(); after <= before || time.Since(began) > servertest.Soon {
			break
		}
	}
	if after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if rest, status := h.End(); len(rest) > 0 || status != 0 {
		t.Errorf("%d answers, status %d", len(rest), status)
	}
}

// Cancelling a task while it ends: it is one or the other, and stays so.
func TestTaskCancelledWhileItEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := servertest.OpenTickets(t)
	h, other := newTaskHost(t, dir), newTaskHost(t, dir)
	const times = 100
	ends := make(map[string]int)
	delay := time.Millisecond
	for i := range times {
		tag := fmt.Sprintf("t%d", i)
		id := h.wait(fmt.Sprintf(`{"tag":%q}`, tag))
		var made sync.WaitGroup
		made.Go(func() { other.call("create", fmt.Sprintf(`{"title":"x","tags":[%q]}`, tag)) })
		time.Sleep(delay)
		h.of("tasks/cancel", id)
		made.Wait()
		first := h.of("tasks/get", id)
		if first.Status == "completed" && len(first.Result.StructuredContent.Tickets) != 1 {
			t.Fatalf("%+v", first)
		}
		time.Sleep(rand.N(3 * time.Millisecond))
		if again := h.of("tasks/get", id); again.Status != first.Status {
			t.Fatalf("%s, then %s", first.Status, again.Status)
		}
		if ends[first.Status]++; first.Status == "cancelled" {
			delay += delay / 4
		} else {
			delay -= delay / 4
		}
	}
	t.Logf("ends: %v", ends)
	if ends["cancelled"]+ends["completed"] != times || len(ends) != 2 {
		t.Errorf("ends: %v", ends)
	}
}

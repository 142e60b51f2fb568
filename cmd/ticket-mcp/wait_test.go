package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

const (
	untilWork = `{"tag":"none","seconds":50}`
	maxWaits  = 32 // of one server
)

// fullOfWaits is a server in which as many calls wait as may: of one more than that, which was told
// so at once.
func fullOfWaits(t *testing.T) (w *servertest.Wire, refused string) {
	t.Helper()
	w = servertest.Start(t, servertest.On(t, servertest.OpenTickets(t, "alpha")))
	var calls []string
	for i := range maxWaits + 1 {
		calls = append(calls, servertest.ToolCall(fmt.Sprint(i), "wait", untilWork))
	}
	answers := w.AnswersUntilPing(calls, 1)
	if len(answers) != 1 || !strings.Contains(answers[0].Line, `"code":"busy"`) {
		t.Fatalf("answers to one more wait than there may be: %v", answers)
	}
	return w, string(answers[0].ID)
}

// Calls go on while others wait. At the end of input each wait is answered, and the server ends
// without waiting for their time.
func TestWaitHoldsNobody(t *testing.T) {
	t.Parallel()
	w, _ := fullOfWaits(t)
	w.Send(servertest.ToolCall("100", "start", `{"id":"alpha"}`))
	if m := w.Answer("100"); m.Kind() != "done" {
		t.Errorf("start: %s", m.Line)
	}
	began := time.Now()
	rest, status := w.End()
	if len(rest) != maxWaits || status != 0 || time.Since(began) > servertest.Soon/2 {
		t.Errorf("%d answers to %d waits, status %d, after %s", len(rest), maxWaits, status,
			time.Since(began))
	}
	for _, m := range rest {
		if !strings.Contains(m.Line, `"timed_out":true`) || strings.Contains(m.Line, "in a loop") {
			t.Errorf("%s", m.Line)
		}
	}
}

// A wait that is cancelled is not answered, and its place is free for another one.
func TestWaitIsCancelled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	w, refused := fullOfWaits(t)
	cancelled := "7"
	if cancelled == refused {
		cancelled = "8"
	}
	w.Send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` +
		cancelled + `}}`)
	for again := 0; ; again++ {
		id := strconv.Itoa(200 + again)
		w.Send(servertest.ToolCall(id, "wait", `{"tag":"none","seconds":0}`))
		if m := w.Answer(id); !strings.Contains(m.Line, `"code":"busy"`) {
			break
		}
		if again == 1000 {
			t.Fatal("the place of the cancelled wait never was free")
		}
	}
	rest, status := w.End()
	if len(rest) != maxWaits-1 || status != 0 {
		t.Errorf("%d answers to %d waits, status %d", len(rest), maxWaits-1, status)
	}
}

// A wait ends with a signal as other calls do.
func TestWaitIsInterrupted(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t, "alpha")))
	w.Send(servertest.ToolCall("1", "wait", untilWork))
	w.Lives()
	w.Signal(os.Interrupt)
	if rest, status := w.Exit(); len(rest) > 1 || status != 0 {
		t.Errorf("%d answers, status %d", len(rest), status)
	}
}

// TestWaitWakesSoon measures the time from the answer of a close to the exit of a shell's wait for
// what it made ready, and what twenty idle waits cost. Run it alone, with -v, for the figures.
func TestWaitWakesSoon(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("measures times of processes for some seconds")
	}
	t.Parallel()
	dir := servertest.OpenTickets(t, "alpha", "beta")
	ctx := t.Context()
	servers, err := client.StartAll(ctx, client.Servers{Program: servertest.Program(t), Number: 1},
		[]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseAll(servers)
	call := func(tool string, args map[string]any) {
		t.Helper()
		if r, err := servers[0].Call(tool, args); err != nil || r.IsError {
			t.Fatalf("%s %v: %v %s", tool, args, err, r.Text)
		}
	}
	call("block", map[string]any{"id": "beta", "blocked_by": "alpha"})
	var took []time.Duration
	rounds, idle := 7, 3*time.Second
	if longtest.Wanted() {
		rounds, idle = 50, 10*time.Second
	}
	for range rounds {
		call("start", map[string]any{"id": "alpha"})
		waits := startWaits(t, dir, 1)
		call("close", map[string]any{"id": "alpha"})
		answered := time.Now()
		if err := waits[0].Wait(); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(answered))
		call("reopen", map[string]any{"id": "alpha"})
	}
	slices.Sort(took)
	t.Logf("from the answer of a close to the exit of a wait: median %s, 90%% %s, longest %s",
		took[len(took)/2], took[len(took)*9/10], took[len(took)-1])
	// What no event tells, a wait sees by a look every two seconds.
	if median := took[len(took)/2]; median > time.Second {
		t.Errorf("median %s: a wait is not woken up", median)
	}
	call("start", map[string]any{"id": "alpha"})
	waits := startWaits(t, dir, 20)
	before := ticksOf(t, waits)
	time.Sleep(idle)
	used := ticksOf(t, waits) - before
	t.Logf("20 idle waits used %d ticks of 10 ms in %s", used, idle)
	if used > 20 { // looks would take hundreds
		t.Errorf("20 idle waits used %d ticks of processor time in %s", used, idle)
	}
	call("close", map[string]any{"id": "alpha"})
	for _, cmd := range waits {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// TestWaitOnABusyBoard measures what a wait costs on a board that one server changes as fast as it
// can. Run it alone, with -v, for the figures.
func TestWaitOnABusyBoard(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("measures the processor time of a process for some seconds")
	}
	t.Parallel()
	dir := servertest.OpenTickets(t, "alpha")
	servers, err := client.StartAll(t.Context(),
		client.Servers{Program: servertest.Program(t), Number: 1}, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseAll(servers)
	waits := startWaits(t, dir, 1, "--tag", "none")
	long := 3 * time.Second
	if longtest.Wanted() {
		long = 10 * time.Second
	}
	before, began, changes := ticksOf(t, waits), time.Now(), 0
	for time.Since(began) < long {
		if r, err := servers[0].Call("update", map[string]any{"id": "alpha",
			"priority": changes % 2}); err != nil || r.IsError {
			t.Fatalf("%v %s", err, r.Text)
		}
		changes++
	}
	took := time.Since(began)
	used := time.Duration(ticksOf(t, waits)-before) * 10 * time.Millisecond
	share := 100 * used.Seconds() / took.Seconds()
	t.Logf("at %.0f changes a second a wait uses %.1f %% of a core",
		float64(changes)/took.Seconds(), share)
	if share > 20 {
		t.Errorf("a wait uses %.1f %% of a core", share)
	}
}

// TestIdleTasksCostNothing measures what a server uses while as many tasks wait as may, and what
// their host's questions cost. Run it alone, with -v, for the figures.
func TestIdleTasksCostNothing(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("measures the processor time of a process for some seconds")
	}
	t.Parallel()
	w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t)))
	asked := 0
	ask := func(method, members string) (taskID string) {
		t.Helper()
		asked++
		id := strconv.Itoa(asked)
		w.Send(servertest.Request(id, method, `{"_meta":{"io.modelcontextprotocol/protocolVersion":`+
			`"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":`+
			`{"io.modelcontextprotocol/tasks":{}}}},`+members+`}`))
		m := w.Answer(id)
		var task struct{ TaskID, Status string }
		if err := json.Unmarshal(m.Result, &task); err != nil || task.Status != "working" {
			t.Fatalf("%v: %s", err, m.Line)
		}
		return task.TaskID
	}
	var ids []string
	for range maxWaits {
		ids = append(ids, ask("tools/call", `"name":"wait","arguments":{}`))
	}
	server := []*exec.Cmd{w.Cmd}
	idle, polls := 3*time.Second, 20
	if longtest.Wanted() {
		idle, polls = 10*time.Second, 100
	}
	// What they use all the time they use in each of these; that of a busy machine differs.
	used := math.MaxInt
	for tries := 0; used > 2 && tries < 5; tries++ {
		before := ticksOf(t, server)
		time.Sleep(idle)
		used = min(used, ticksOf(t, server)-before)
	}
	t.Logf("%d tasks used %d ticks of 10 ms in %s", len(ids), used, idle)
	if used > 2 {
		t.Errorf("%d idle tasks used %d ticks of processor time in %s", len(ids), used, idle)
	}
	before := ticksOf(t, server)
	for range polls {
		for _, id := range ids {
			ask("tasks/get", `"taskId":"`+id+`"`)
		}
	}
	each := time.Duration(ticksOf(t, server)-before) * 10 * time.Millisecond /
		time.Duration(polls*len(ids))
	t.Logf("a tasks/get costs %s of processor time", each)
	if each > time.Millisecond {
		t.Errorf("a tasks/get costs %s of processor time", each)
	}
}

// TestWaitWakesByTime: of what no file tells: the end of a hold, and of the grace of a holder that
// died while it was waited.
func TestWaitWakesByTime(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("waits for the ten seconds of a grace")
	}
	t.Parallel()
	const soon = 15 * time.Second // well before the look that a wait takes every 30 s anyhow
	dir := servertest.OpenTickets(t, "alpha")
	holder := servertest.Start(t, servertest.On(t, dir))
	do := func(id, tool, args string) {
		t.Helper()
		holder.Send(servertest.ToolCall(id, tool, args))
		if m := holder.Answer(id); m.Kind() != "done" {
			t.Fatal(m.Line)
		}
	}
	// The hold has no end before the wait sleeps, which may take long on a busy machine.
	do("1", "update", `{"id":"alpha","hold":"Ada: which?"}`)
	waits := startWaits(t, dir, 1)
	until := time.Now().Add(3 * time.Second).Truncate(time.Second).Add(time.Second)
	do("2", "update", fmt.Sprintf(`{"id":"alpha","hold_until":%q}`, until.Format(time.RFC3339)))
	if err := waits[0].Wait(); err != nil {
		t.Fatal(err)
	}
	if late := time.Since(until); late < 0 || late > soon {
		t.Errorf("it woke up %s after the end of the hold", late)
	}
	do("3", "start", `{"id":"alpha"}`)
	waits = startWaits(t, dir, 1)
	if err := holder.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Exit()
	died := time.Now()
	if err := waits[0].Wait(); err != nil {
		t.Fatal(err)
	}
	if after := time.Since(died); after < 8*time.Second || after > 10*time.Second+soon {
		t.Errorf("it woke up %s after the death, whose grace is ten seconds", after)
	}
}

// startWaits starts shells' waits, and returns when they sleep. One that ends before is an error.
func startWaits(t *testing.T, dir string, n int, flags ...string) (waits []*exec.Cmd) {
	t.Helper()
	for range n {
		cmd := exec.Command(servertest.Program(t),
			append([]string{"wait", "--dir", dir}, flags...)...)
		cmd.Env = client.Environment()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
		waits = append(waits, cmd)
	}
	for last, same := -1, 0; same < 10; {
		time.Sleep(20 * time.Millisecond)
		now := ticksOf(t, waits)
		if now == last && !slices.ContainsFunc(waits, awake) {
			same++
		} else {
			last, same = now, 0
		}
	}
	return waits
}

// awake reports whether a process has no queue of events yet.
func awake(cmd *exec.Cmd) bool {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", cmd.Process.Pid)) // the pattern is right
	return !slices.ContainsFunc(links, func(link string) bool {
		to, err := os.Readlink(link)
		return err == nil && strings.Contains(to, "inotify")
	})
}

// ticksOf is the processor time that processes have used, in ticks.
func ticksOf(t *testing.T, commands []*exec.Cmd) (ticks int) {
	t.Helper()
	for _, cmd := range commands {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if fields[0] == "Z" {
			t.Fatalf("%s ended before it slept", cmd)
		}
		for _, field := range fields[11:13] {
			n, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			ticks += n
		}
	}
	return ticks
}

package history_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// Who holds a ticket, told by real processes: scenarios that the program passes, and that a program
// fails from which the idea was taken out.

// holderScenario says what is wrong with a program; "" for nothing.
type holderScenario struct {
	name   string
	wrong  func(b table) string
	broken []sourceEdit // the program without the idea
}

var holderScenarios = []holderScenario{
	{"a process is no conversation", severalConversations, []sourceEdit{
		{"internal/ticketfs/session/names.go", "	for _, path := range hostNames {",
			"	for _, path := range hostNames[:0] {"},
	}},
	{"an agent is no conversation", severalAgents, []sourceEdit{
		{"internal/tools/holder.go", "return h.Name == c.name || renamed",
			"return true || renamed"},
		{"internal/tools/holder.go",
			"return c.name == c.own || h.Name == c.name || h.Name == c.own ||\n",
			"return true ||\n"},
	}},
	{"a copy of a mark proves nothing", copiedMark, []sourceEdit{
		{"internal/ticketfs/session/probe.go", " || m.Ino == 0 || m.Ino != s.ino", ""},
		{"internal/ticketfs/session/probe.go", "return m.Dev == s.dev", "return true"},
		noGrace,
	}},
	{"a host name is no machine", otherMachine, []sourceEdit{
		{"internal/ticketfs/session/probe.go", "	if m.Boot == here.Boot {",
			"	if m.Host == here.Host {\n		return true\n	}\n	if m.Boot == here.Boot {"},
		noGrace,
	}},
	{"a host name is not needed on one kernel", otherHostName, []sourceEdit{
		{"internal/ticketfs/session/probe.go", "	if m.Boot == here.Boot {",
			"	if m.Host != here.Host {\n		return false\n	}\n	if m.Boot == here.Boot {"},
	}},
	{"a probe is no owner", probed, []sourceEdit{
		{"internal/flocker/flocker.go", "	got, err := f.TryRLock()\n",
			"	got, err := f.TryLock()\n"},
	}},
	{"a dead holder has ten seconds", restartInTime, []sourceEdit{noGrace}},
	{"the ten seconds are over for processes that live for one call", processPerCall, []sourceEdit{
		{"internal/ticketfs/session/grace.go", "if boot := self().Boot; shared && boot != \"\" {",
			"if boot := self().Boot; shared && false && boot != \"\" {"},
	}},
}

func TestHolders(t *testing.T) {
	needProcesses(t)
	tried := longtest.Sample(len(holderScenarios))
	for i, s := range holderScenarios {
		t.Run(s.name, func(t *testing.T) {
			if runtime.GOOS != "linux" {
				t.Skip("only Linux tells enough to prove an end")
			}
			if why := s.wrong(tableFor(t, servertest.Program(t), loose(4))); why != "" {
				t.Error(why)
			}
			if !slices.Contains(tried, i) {
				return // of the broken programs only some
			}
			var edits []servertest.Edit
			for _, e := range s.broken {
				edits = append(edits, servertest.Edit(e))
			}
			why := s.wrong(tableFor(t, servertest.Broken(t, s.name, edits...), loose(4)))
			if why == "" {
				t.Error("the broken program was not caught")
			}
			t.Logf("the broken program: %s", why)
		})
	}
}

// expects is one call of a scenario and what it should say.
type expects struct {
	who  *session
	op   spec.UserInput
	says string // "done", "already", "taken over", or a code
}

func (b table) differs(calls ...expects) string {
	b.t.Helper()
	for i, c := range calls {
		if e := b.call(c.who, 0, c.op); outcome(e) != c.says {
			return fmt.Sprintf("call %d: %s, want %s", i+1, e, c.says)
		}
	}
	return ""
}

func severalConversations(b table) string {
	env := b.sit("env")
	one, two := env.in("one"), env.in("two")
	return b.differs(
		expects{one, start("t00"), "done"}, expects{two, start("t00"), "claimed"}, expects{env,
			start("t00"), "claimed"},
		expects{two, finish("t00"), "claimed"}, expects{one, start("t00"), "already"}, expects{env,
			start("t01"), "done"},
		expects{one, release("t01"), "claimed"}, expects{one, finish("t00"), "done"},
	)
}

func severalAgents(b table) string {
	s := b.sit("env")
	as := func(agent string, op spec.UserInput) spec.UserInput { op.Agent = agent; return op }
	return b.differs(
		expects{s, as("sub-1", start("t00")), "done"}, expects{s, as("sub-2", start("t00")),
			"claimed"}, expects{s, as("sub-2", finish("t00")), "claimed"},
		expects{s, start("t00"), "claimed"}, expects{s, as("sub-1", start("t00")),
			"already"}, expects{s, finish("t00"), "done"},
	)
}

// copiedMark: the slot of a living holder is replaced by a copy, and the process cannot be looked
// for, as from a container.
func copiedMark(b table) string {
	me, other := b.sit("me"), b.sit("other")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	path := filepath.Join(b.dir, ".sessions", me.key+".lock")
	b.remark(path, func(mark map[string]any) { mark["pid_ns"] = 17 })
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+".copy", text, 0o666)
	}
	if err == nil {
		err = os.Rename(path+".copy", path)
	}
	if err != nil {
		return err.Error()
	}
	return b.differs(expects{other, start("t00"), "claimed"}, expects{me, finish("t00"), "done"})
}

// otherMachine: the board came from another machine of the same host name.
func otherMachine(b table) string {
	me, other := b.sit("me"), b.sit("other")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	b.rises(me)
	b.remark(filepath.Join(b.dir, ".sessions", me.key+".lock"),
		func(mark map[string]any) { mark["boot"], mark["machine"] = "of its own", "another" })
	return b.differs(expects{other, start("t00"), "claimed"},
		expects{other, takeOver("t00"), "taken over"})
}

// otherHostName: the holder ran in a container on this kernel, under another host name.
func otherHostName(b table) string {
	me, other := b.sit("me"), b.sit("other")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	b.rises(me)
	b.remark(filepath.Join(b.dir, ".sessions", me.key+".lock"),
		func(mark map[string]any) { mark["host"] = "another" })
	if why := b.differs(expects{other, start("t00"), "claimed"}); why != "" {
		return why
	}
	b.outlast()
	return b.differs(expects{other, start("t00"), "taken over"})
}

// probed: somebody asks about a dead holder in the instant in which another process probes its slot,
// and does not see it alive. The test is that other process, and its instant lasts: on a busy
// machine two probes may not meet for thousands of looks.
func probed(b table) string {
	me, other := b.sit("me"), b.sit("other")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	b.rises(me)
	probe := flock.New(filepath.Join(b.dir, ".sessions", me.key+".lock"),
		flock.SetFlag(os.O_RDONLY))
	if got, err := probe.TryRLock(); !got {
		return fmt.Sprintf("the slot of a dead holder is not free: %v", err)
	}
	defer probe.Close()
	line, err := other.ask("tools/call", map[string]any{"name": "list",
		"arguments": map[string]any{"status": "in_progress"}})
	if err != nil || !strings.Contains(string(line), "@"+me.key+", dead") {
		return fmt.Sprintf("a look saw no dead holder: %s (%v)", line, err)
	}
	return ""
}

// restartInTime: a client whose server crashes starts another one, and finds its ticket.
func restartInTime(b table) string {
	me, other := b.sit("me"), b.sit("other")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	if err := b.kill(me, 0); err != nil {
		return err.Error()
	}
	if why := b.differs(expects{other, start("t00"), "claimed"},
		expects{other, takeOver("t00"), "claimed"}); why != "" {
		return why
	}
	again := b.sit("me")
	return b.differs(expects{other, start("t00"), "claimed"},
		expects{again, start("t00"), "already"})
}

// processPerCall: each call comes from a server of its own, and ten seconds after the first of them
// the ticket is theirs.
func processPerCall(b table) string {
	me := b.sit("me")
	if why := b.differs(expects{me, start("t00"), "done"}); why != "" {
		return why
	}
	b.rises(me)
	for n, want := range []string{"claimed", "taken over"} {
		s := b.sit(fmt.Sprint("caller", n))
		if why := b.differs(expects{s, start("t00"), want}); why != "" {
			return why
		}
		b.rises(s)
		b.outlast()
	}
	return ""
}

// remark changes the mark in a session's file, which stays the same file.
func (b table) remark(path string, change func(mark map[string]any)) {
	b.t.Helper()
	text, err := os.ReadFile(path)
	mark := map[string]any{}
	if err == nil {
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		err = decoder.Decode(&mark)
	}
	if err == nil {
		change(mark)
		text, err = json.Marshal(mark)
	}
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// outlast makes ten seconds pass for those who were seen dead.
func (b table) outlast() {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, ".sessions", "*.seen"))
	for _, path := range files {
		text, readErr := os.ReadFile(path)
		fields := strings.Fields(string(text))
		if readErr != nil || len(fields) != 3 {
			b.t.Fatal(path, readErr, fields)
		}
		var at int64
		_, err = fmt.Sscanf(fields[1], "%d", &at)
		if err == nil {
			err = os.WriteFile(path, fmt.Appendf(nil, "%s %020d %s\n", fields[0],
				max(0, at-int64(10*time.Second)), fields[2]), 0o666)
		}
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

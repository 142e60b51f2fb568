package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

var update = flag.Bool("update", false, "write what the scripts see into their golden files")

// TestMain puts commands on the PATH, all of them this test binary: ticket-mcp, the program itself;
// mcp, a client for it; and full, which runs a command on a standard output that takes nothing.
// So every test that starts ticket-mcp starts the code under test.
func TestMain(m *testing.M) {
	// Most of what the longer of these tests do is to wait. -parallel asks for another number.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"ticket-mcp": main, "mcp": runMCP, "full": runFull})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	const scripts = "testdata/script"
	testscript.Run(t, testscript.Params{
		Dir:                 scripts,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name != "etcd" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return openShared != nil, nil
		},
		Setup: func(env *testscript.Env) error {
			if !servertest.UnderRace() {
				// Each process lives for a moment: what it takes is its start, and that is a third
				// cheaper without a second thread of the runtime and without its first collection.
				env.Setenv("GOMAXPROCS", "1")
				env.Setenv("GOGC", "off")
			}
			name := strings.TrimPrefix(env.T().(testing.TB).Name(), t.Name()+"/")
			script, err := os.ReadFile(filepath.Join(scripts, name+".txtar"))
			env.Values[scriptKey{}] = &scriptState{locks: make(map[string]*flock.Flock),
				variables: variables(env, string(script))}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"call":      callTools,
			"exits":     exits,
			"justdied":  justDied,
			"lock":      lock,
			"mask":      mask,
			"outlast":   outlast,
			"newticket": newTicket,
			"snapshot":  snapshot,
			"unlock":    unlock,
			"untouched": untouched,
		},
	})
}

// call [--json] [--flags FLAGS] TOOL ARGUMENTS [TOOL ARGUMENTS]... starts ticket-mcp with these
// flags, calls the tools one after the other as one session, and ends it. The answers, as text or
// with --json as their structured content, are its standard output; the first refusal or error ends
// it, and is in its standard error with what the server said.
func callTools(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print the structured content")
	ofServer := flags.String("flags", "", "flags for ticket-mcp, separated by blanks")
	ts.Check(flags.Parse(args))
	server := client.Server{Program: "ticket-mcp", Args: strings.Fields(*ofServer),
		Env: environment(ts), Dir: ts.MkAbs("."), Stderr: ts.Stderr()}
	err := callEach(server, flags.Args(), func(r client.Result) {
		if *asJSON {
			r.Text = string(r.Structured)
		}
		fmt.Fprintln(ts.Stdout(), r.Text)
	})
	switch {
	case err != nil:
		fmt.Fprintln(ts.Stderr(), err)
		if !neg {
			ts.Fatalf("unexpected failure: %v", err)
		}
	case neg:
		ts.Fatalf("unexpected success")
	}
}

// environment is what exec would hand to a command of the script. A variable that the script
// emptied is left out.
func environment(ts *testscript.TestScript) []string {
	vars := []string{"PWD=" + ts.MkAbs(".")}
	for _, name := range ts.Value(scriptKey{}).(*scriptState).variables {
		if value := ts.Getenv(name); value != "" {
			vars = append(vars, name+"="+value)
		}
	}
	return vars
}

var assigned = regexp.MustCompile(`\b([A-Z_]+)=`)

// variables are the names of those that a script begins with and of those that it may set: there is
// no way to ask it.
func variables(env *testscript.Env, script string) []string {
	var names []string
	for _, v := range env.Vars {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	for _, m := range assigned.FindAllStringSubmatch(script, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// runMCP is the mcp command, call for shells and for the background: mcp [--hold] TOOL ARGUMENTS
// [TOOL ARGUMENTS]... With --hold the session lives on until an interrupt.
func runMCP() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	calls, hold := os.Args[1:], os.Args[1] == "--hold"
	if hold {
		calls = calls[1:]
	}
	server := client.Server{Program: "ticket-mcp", Stderr: os.Stderr}
	err := callEach(server, calls, func(r client.Result) {
		fmt.Println(r.Text)
		if hold {
			<-ctx.Done()
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// callEach hands what the calls of one session are answered to told, up to the first refusal.
func callEach(server client.Server, calls []string, told func(client.Result)) (err error) {
	c, err := server.Start(context.Background())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for call := range slices.Chunk(calls, 2) {
		if len(call) < 2 {
			return fmt.Errorf("%s has no arguments", call[0])
		}
		r, err := c.Call(call[0], json.RawMessage(call[1]))
		if err != nil {
			return err
		}
		if r.IsError {
			return errors.New(r.Text)
		}
		told(r)
	}
	return nil
}

// runFull is the full command: full COMMAND [ARGUMENT]... runs a command with /dev/full for
// standard output.
func runFull() {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(-1)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = full, os.Stderr
	_ = cmd.Run() // its status is ours
	os.Exit(cmd.ProcessState.ExitCode())
}

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	keys  = regexp.MustCompile(`@[0-9a-f]{12}\b`)
	// newIDs are ids that create made: of this time of the century, so that they begin with d or e.
	newIDs = regexp.MustCompile(`\b[de][0-9a-hjkmnp-tv-z]{11}\b`)
	// calls are the ends of names of rows, cursors continue a history.
	calls   = regexp.MustCompile(`:[a-z2-7]{8}\b`)
	cursors = regexp.MustCompile(`\bc\d{19}-[0-9a-f]+-`)
)

// mask FILE [TO] replaces what differs from run to run, the time of day and session keys, in a file
// or in the last stdout or stderr.
func mask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: mask FILE [TO]")
	}
	text := ts.ReadFile(args[0])
	text = times.ReplaceAllStringFunc(text, func(stamp string) string {
		if at, err := time.Parse(time.RFC3339, stamp); err != nil ||
			time.Since(at).Abs() > time.Hour {
			return stamp // of a fixture
		}
		return "TIME"
	})
	text = keys.ReplaceAllString(text, "@KEY")
	text = calls.ReplaceAllString(text, ":CALL")
	text = cursors.ReplaceAllString(text, "CURSOR-")
	text = newIDs.ReplaceAllString(text, "NEWID")
	text = waits.ReplaceAllString(text, " in WAIT")
	text = pids.ReplaceAllString(text, "pid PID")
	ts.Check(os.WriteFile(ts.MkAbs(args[len(args)-1]), []byte(text), 0o666))
}

var (
	waits = regexp.MustCompile(` in \d+ s\b`)
	pids  = regexp.MustCompile(`pid \d+`)
)

// outlast makes the ten seconds pass for which the tickets of each dead session are kept for it,
// once somebody saw it dead.
func outlast(ts *testscript.TestScript, neg bool, args []string) {
	seen, err := filepath.Glob(ts.MkAbs(".tickets/.sessions/*.seen"))
	ts.Check(err)
	if neg || len(args) > 0 || len(seen) == 0 {
		ts.Fatalf("usage: outlast, behind a call that saw a dead session")
	}
	for _, path := range seen {
		fields := strings.Fields(ts.ReadFile(path)) // boot, nanoseconds since it, marks
		at, err := strconv.ParseInt(fields[1], 10, 64)
		ts.Check(err)
		fields[1] = fmt.Sprintf("%020d", max(0, at-int64(10*time.Second)))
		ts.Check(os.WriteFile(path, []byte(strings.Join(fields, " ")+"\n"), 0o666))
	}
}

// justDied makes nobody have seen a dead session dead: the ten seconds begin with the next question,
// however long the script took so far.
func justDied(ts *testscript.TestScript, neg bool, args []string) {
	seen, err := filepath.Glob(ts.MkAbs(".tickets/.sessions/*.seen"))
	ts.Check(err)
	if neg || len(args) > 0 || len(seen) == 0 {
		ts.Fatalf("usage: justdied, behind a call that saw a dead session")
	}
	for _, path := range seen {
		ts.Check(os.Remove(path))
	}
}

// newTicket copies the newest ticket, under an id that create made, to new.md.
func newTicket(ts *testscript.TestScript, neg bool, args []string) {
	files, err := ticketFiles(ts.MkAbs(".tickets"))
	ts.Check(err)
	newest := ""
	for name, f := range files {
		if newIDs.MatchString(name) && strings.HasSuffix(name, ".md") &&
			(newest == "" || f.modTime.After(files[newest].modTime)) {
			newest = name
		}
	}
	if neg || len(args) > 0 || newest == "" {
		ts.Fatalf("usage: newticket, behind a create")
	}
	ts.Check(os.WriteFile(ts.MkAbs("new.md"), []byte(files[newest].content), 0o666))
}

// ticketVersion is a ticket file at a moment.
type ticketVersion struct {
	content string
	modTime time.Time
}

// scriptState is what the commands of one script remember.
type scriptState struct {
	files     map[string]ticketVersion // at the last snapshot
	locks     map[string]*flock.Flock
	variables []string // names
}

type scriptKey struct{}

// ticketFiles reads what is in .tickets, subfolders left out.
func ticketFiles(dir string) (map[string]ticketVersion, error) {
	entries, err := os.ReadDir(dir)
	files := make(map[string]ticketVersion)
	for _, e := range entries {
		// Locks, temps and .gitignore are not tickets; nothing hidden is.
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".md" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		content, readErr := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err = errors.Join(err, readErr, statErr); err != nil {
			return nil, err
		}
		files[e.Name()] = ticketVersion{string(content), info.ModTime()}
	}
	return files, err
}

// snapshot remembers all ticket files for untouched.
func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	files, err := ticketFiles(ts.MkAbs(".tickets"))
	ts.Check(err)
	ts.Value(scriptKey{}).(*scriptState).files = files
}

// untouched fails unless the ticket files are those of the last snapshot: the names, the bytes, the
// times of the last write.
func untouched(ts *testscript.TestScript, neg bool, args []string) {
	files, err := ticketFiles(ts.MkAbs(".tickets"))
	ts.Check(err)
	if diff := cmp.Diff(ts.Value(scriptKey{}).(*scriptState).files, files,
		cmp.AllowUnexported(ticketVersion{})); diff != "" {
		ts.Fatalf("tickets changed (-before +after):\n%s", diff)
	}
}

// exits STATUS COMMAND... runs a command that must end with this status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARGUMENT...]")
	}
	status := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		status = strconv.Itoa(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if status != args[0] {
		ts.Fatalf("exit status %s, want %s", status, args[0])
	}
}

// lock FILE holds a lock, as another process would, until unlock or the end of the script.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock FILE")
	}
	l := flock.New(ts.MkAbs(args[0]))
	ts.Check(l.Lock())
	ts.Value(scriptKey{}).(*scriptState).locks[args[0]] = l
	ts.Defer(func() { _ = l.Close() })
}

func unlock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unlock FILE")
	}
	ts.Check(ts.Value(scriptKey{}).(*scriptState).locks[args[0]].Close())
}

// await waits until a file's content matches a pattern, for a while: what a script waits
// for is done by a command that runs in the background.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await PATTERN FILE")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(servertest.Soon); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[1]))
		if err == nil && pattern.Match(text) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not match %s: %s %v", args[1], args[0], text, err)
		}
	}
}

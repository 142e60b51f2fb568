package race

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// smallRace is a race of few processes that leaves nothing in dir.
func smallRace(t *testing.T) Options {
	t.Helper()
	return Options{Processes: 4, Updates: 8, Rounds: 15, Dir: t.TempDir(),
		Seed: 1 + rand.Uint64N(1_000_000), Timeout: time.Minute, Program: servertest.Program(t)}
}

// runRace runs a race and returns the scenarios by the beginning of their names.
func runRace(t *testing.T, o Options) (results []Result, text string) {
	t.Helper()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	began := time.Now()
	results, err = Run(t.Context(), o, nothing)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	Report(&b, o, results, time.Since(began))
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
	return results, b.String()
}

func TestRace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	o := smallRace(t)
	results, text := runRace(t, o)
	t.Logf("\n%s", text)
	if !strings.Contains(text, "every promise was kept") {
		t.Error("promises were broken")
	}
	// Done and refused calls of each scenario, as far as chance has no part in them.
	want := [][2]int{{4 * 8, 0}, {5, 5 * 3}, {15, 15}, {2 * 15, 15}, {15, 15}}
	for i, w := range want {
		if got := [2]int{results[i].done, results[i].refused}; got != w {
			t.Errorf("%s: %d done and %d refused, want %d and %d", results[i].name, got[0], got[1],
				w[0], w[1])
		}
	}
	overlapping := 0
	for _, r := range results {
		overlapping += r.overlapping
	}
	if overlapping < 10 {
		t.Errorf("the calls of only %d rounds overlapped: this is no race", overlapping)
	}
}

// Servers that cannot be started are an error, not a verdict.
func TestRaceWithoutServers(t *testing.T) {
	o := smallRace(t)
	o.Program = filepath.Join(t.TempDir(), "missing")
	if _, err := Run(t.Context(), o, os.Stdin); err == nil ||
		!strings.Contains(err.Error(), "start server") {
		t.Errorf("race of servers that cannot be started: %v", err)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
}

// An interrupt ends the race, all its servers, and the scratch board.
func TestRaceInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted by another one on Windows")
	}
	o := smallRace(t)
	cmd := exec.Command(o.Program, "race", "--processes", "4", "--rounds", "10000", "--dir", o.Dir)
	// The servers write to the standard error that they inherit: Wait returns when they, too, have
	// closed it.
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		locks, err := filepath.Glob(filepath.Join(o.Dir, "*", ".tickets", "start-*.lock"))
		if err != nil {
			t.Fatal(err)
		}
		if len(locks) > 0 {
			break
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatal("the race did not get going")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || errors.Is(err, exec.ErrWaitDelay) ||
		cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("end of an interrupted race: %v, status %d", err, cmd.ProcessState.ExitCode())
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("stderr is %q", &stderr)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
}

// brokenDoors are ways to break the door, as replacements in the files of internal/ticketfs. Which
// one a server has is chosen by the environment, so that they share a build.
var brokenDoors = []struct{ file, old, new string }{
	// Each process locks files of its own, and nobody looks whether the ticket was written
	// meanwhile.
	{"door.go", "s.locks.Acquire(ctx, path)",
		`s.locks.Acquire(ctx, path+map[bool]string{true: fmt.Sprint(os.Getpid())}[os.Getenv("BROKEN_DOOR") == "no locks"])`},
	{"../flocker/file.go", "for err = lock(open, how); errors",
		`if err = nil; os.Getenv("BROKEN_DOOR") != "no locks" {
		err = lock(open, how)
	}
	for ; errors`},
	{"durable/replace.go", "if err := r.Unchanged(); err != nil {",
		`if err := r.Unchanged(); err != nil && os.Getenv("BROKEN_DOOR") == "" {`},
	// Each ticket has a relations lock of its own.
	{"door.go", "filepath.Join(dir, relationsLock)",
		`map[bool]string{true: paths[0] + ".relations" + lockExt, false: filepath.Join(dir, relationsLock)}[os.Getenv("BROKEN_DOOR") == "no relations lock"]`},
	// The new content is made from what was read before the lock was there.
	{"door.go", "	p := passage{parts: make([]part, len(paths))}\n",
		"$0	early, _ := readTicketFile(paths[0])\n"},
	{"door.go", "	if err := p.read(); err != nil {\n\t\treturn err\n\t}\n",
		"$0	if os.Getenv(\"BROKEN_DOOR\") == \"early read\" {\n\t\tp.parts[0].Old = early\n\t}\n"},
}

// brokenServer is ticket-mcp with the broken doors in it.
func brokenServer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program with broken doors")
	}
	var edits []servertest.Edit
	for _, b := range brokenDoors {
		edits = append(edits, servertest.Edit{File: "internal/ticketfs/" + b.file, Old: b.old,
			New: strings.ReplaceAll(b.new, "$0", b.old)})
	}
	return servertest.Broken(t, "doors", edits...)
}

// The race is worth something only if it fails for a program that does not keep the promises: here
// it is the real program with one part of its door taken out.
func TestRaceCatchesBrokenDoors(t *testing.T) {
	program := brokenServer(t)
	const update, start, pair, ring, family, waiting = 0, 1, 2, 3, 4, 5 // scenarios
	tests := []struct {
		door   string
		broken []int // scenarios in which promises must be seen broken
		lost   []int // and in which answered changes must be seen lost
		kept   []int // and in which none may be broken
	}{
		{"", nil, nil, []int{update, start, pair, ring, family, waiting}},
		{"no locks", []int{update, start}, []int{update}, nil},
		{"early read", []int{update, start}, []int{update, start}, nil},
		{"no relations lock", []int{pair, ring, family}, nil, []int{update, start}},
	}
	some := []int{0} // the door as it is, always
	for _, i := range longtest.Sample(len(tests) - 1) {
		some = append(some, i+1)
	}
	for _, i := range some {
		test := tests[i]
		t.Run("door with "+test.door, func(t *testing.T) {
			o := smallRace(t)
			o.Program, o.Env = program, []string{"BROKEN_DOOR=" + test.door}
			// Which calls meet is left to chance, the more so on a busy machine: what must be seen
			// may take some races.
			const most = 10
			broken, lost := make(map[int]bool), make(map[int]bool)
			unseen := func() bool {
				return slices.ContainsFunc(test.broken, func(i int) bool { return !broken[i] }) ||
					slices.ContainsFunc(test.lost, func(i int) bool { return !lost[i] })
			}
			for races := 0; races == 0 || unseen(); races++ {
				if races == most {
					t.Fatalf("broken promises seen in %v, of %v; lost changes in %v, of %v", broken,
						test.broken, lost, test.lost)
				}
				o.Dir, o.Seed = t.TempDir(), o.Seed+1
				results, text := runRace(t, o)
				t.Logf("\n%s", text)
				for i, r := range results {
					broken[i] = broken[i] || len(r.broken) > 0
					lost[i] = lost[i] || r.lost > 0
				}
			}
			for _, i := range test.kept {
				if broken[i] {
					t.Errorf("scenario %d: not broken by this, but said to be", i)
				}
			}
		})
	}
}

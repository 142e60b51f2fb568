package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// smallRace is a race of few processes that leaves nothing in dir.
func smallRace(t *testing.T) raceOptions {
	t.Helper()
	program, err := exec.LookPath("ticket-mcp") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseRaceOptions([]string{"--processes", "4", "--updates", "8", "--rounds", "15", "--dir", t.TempDir(), "--timeout", "1m"})
	if err != nil {
		t.Fatal(err)
	}
	o.program = program
	return o
}

// runRace runs a race and returns the scenarios by the beginning of their names.
func runRace(t *testing.T, o raceOptions) (results []result, text string) {
	t.Helper()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	began := time.Now()
	results, err = raceAll(t.Context(), o, nothing)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	report(&b, o, results, time.Since(began))
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
	return results, b.String()
}

func TestRace(t *testing.T) {
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
			t.Errorf("%s: %d done and %d refused, want %d and %d", results[i].name, got[0], got[1], w[0], w[1])
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
	o.program = filepath.Join(t.TempDir(), "missing")
	if _, err := raceAll(t.Context(), o, os.Stdin); err == nil || !strings.Contains(err.Error(), "start server") {
		t.Errorf("race of servers that cannot be started: %v", err)
	}
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
}

// An interrupt ends the race, all its servers, and the scratch board.
func TestRaceInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted by another one on Windows")
	}
	o := smallRace(t)
	cmd := exec.Command(o.program, "race", "--processes", "4", "--rounds", "10000", "--dir", o.dir)
	// The servers write to the standard error that they inherit: Wait returns when they, too, have closed it.
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		locks, err := filepath.Glob(filepath.Join(o.dir, "*", ".tickets", "start-*.lock"))
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
	if err := cmd.Wait(); err == nil || errors.Is(err, exec.ErrWaitDelay) || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("end of an interrupted race: %v, status %d", err, cmd.ProcessState.ExitCode())
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("stderr is %q", &stderr)
	}
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("the race left %v in its folder (%v)", left, err)
	}
}

// brokenDoors are ways to break the door, as replacements in files of internal/ticketfs. Which one a server has is chosen by the
// environment, so that they share a build.
var brokenDoors = []struct{ file, old, new string }{
	// Each process locks files of its own, and nobody looks whether the ticket was written meanwhile.
	{"door.go", "s.locks.Acquire(ctx, path)", `s.locks.Acquire(ctx, path+map[bool]string{true: fmt.Sprint(os.Getpid())}[os.Getenv("BROKEN_DOOR") == "no locks"])`},
	{"door.go", "s.locks.AcquireExisting(ctx, path)", `s.locks.AcquireExisting(ctx, path+map[bool]string{true: ".none"}[os.Getenv("BROKEN_DOOR") == "no locks"])`},
	{"replace.go", "err := r.old.unchanged(r.path); err != nil {", `err := r.old.unchanged(r.path); err != nil && os.Getenv("BROKEN_DOOR") == "" {`},
	// The rules are judged under the ticket's lock alone.
	{"door.go", "	if scope == withRelations {\n\t\tif lockErr :=", "	if scope == withRelations && os.Getenv(\"BROKEN_DOOR\") != \"no relations lock\" {\n\t\tif lockErr :="},
	// The new content is made from what was read before the lock was there.
	{"door.go", "	ctx, cancel := context.WithTimeout(ctx, s.LockTimeout)\n", "	early, earlyErr := readFile(path)\n$0"},
	{"door.go", "	old, err := readFile(path)\n", "$0	if os.Getenv(\"BROKEN_DOOR\") == \"early read\" {\n\t\told, err = early, earlyErr\n\t}\n"},
}

// brokenServer builds ticket-mcp with the broken doors in it.
func brokenServer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("cannot build the program with a broken door:", err)
	}
	folder, err := filepath.Abs(filepath.Join("..", "..", "internal", "ticketfs"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := make(map[string]string)
	for _, b := range brokenDoors {
		original := filepath.Join(folder, b.file)
		broken := filepath.Join(dir, b.file)
		from := broken
		if replace[original] == "" {
			from = original
		}
		source, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), b.old); n != 1 {
			t.Fatalf("%q stands %d times in %s; this test breaks the door there and has to follow its changes", b.old, n, b.file)
		}
		text := strings.Replace(string(source), b.old, strings.ReplaceAll(b.new, "$0", b.old), 1)
		if err := os.WriteFile(broken, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		replace[original] = broken
	}
	overlayJSON, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	program, overlay := filepath.Join(dir, "broken.exe"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, overlayJSON, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build with a broken door: %v\n%s", err, out)
	}
	return program
}

// The race is worth something only if it fails for a program that does not keep the promises: here it is the real program with
// one part of its door taken out.
func TestRaceCatchesBrokenDoors(t *testing.T) {
	program := brokenServer(t)
	const update, start, pair, ring, family, waiting = 0, 1, 2, 3, 4, 5 // scenarios
	for _, test := range []struct {
		door   string
		broken []int // scenarios in which promises must be seen broken
		lost   []int // and in which answered changes must be seen lost
		kept   []int // and in which none may be broken
	}{
		{"", nil, nil, []int{update, start, pair, ring, family, waiting}},
		{"no locks", []int{update, start}, []int{update}, nil},
		{"early read", []int{update, start}, []int{update, start}, nil},
		{"no relations lock", []int{pair, ring, family}, nil, []int{update, start}},
	} {
		t.Run("door with "+test.door, func(t *testing.T) {
			o := smallRace(t)
			o.program, o.env = program, []string{"BROKEN_DOOR=" + test.door}
			results, text := runRace(t, o)
			t.Logf("\n%s", text)
			for _, i := range test.broken {
				if len(results[i].broken) == 0 {
					t.Errorf("%s: not caught", results[i].name)
				}
			}
			for _, i := range test.lost {
				if results[i].lost == 0 {
					t.Errorf("%s: lost changes not seen", results[i].name)
				}
			}
			for _, i := range test.kept {
				if len(results[i].broken) > 0 {
					t.Errorf("%s: not broken by this, but said to be", results[i].name)
				}
			}
		})
	}
}

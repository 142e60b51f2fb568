package ticketfs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// door is a way for one process among others to change a file.
type door func(ctx context.Context, path string, fn func(content []byte) (newContent []byte, err error)) error

// doors are the one door, and the ways to build it wrong that this field keeps finding.
var doors = map[string]door{
	"WithTicketLock": (&Store{LockTimeout: time.Minute}).WithTicketLock,

	"no lock": func(_ context.Context, path string, fn func([]byte) ([]byte, error)) error {
		return readAndReplace(path, fn)
	},

	// The lock is held, and of no use: what is written was computed from what was read before.
	"content ignored": func(ctx context.Context, path string, fn func([]byte) ([]byte, error)) error {
		before, err := readTicketFile(path)
		if err != nil {
			return err
		}
		return (&Store{LockTimeout: time.Minute}).WithTicketLock(ctx, path,
			func([]byte) ([]byte, error) { return fn(before.Content) })
	},

	// The file itself is locked. The rename puts another file in its place: those who wait lock the
	// old one, those who come later the new one.
	"ticket locked": func(_ context.Context, path string, fn func([]byte) ([]byte, error)) error {
		lock := flock.New(path)
		if err := lock.Lock(); err != nil {
			return err
		}
		return errors.Join(readAndReplace(path, fn), lock.Close())
	},
}

// readAndReplace is the whole of the door without its locks and checks.
func readAndReplace(path string, fn func([]byte) ([]byte, error)) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content, err := fn(old)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "temp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// The raced file describes itself: its first line counts the names below it. So whoever reads half
// a file, or two, sees it.

func addName(content []byte, name string) ([]byte, error) {
	names, err := namesIn(content)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%d names\n%s\n", len(names)+1,
		strings.Join(append(names, name), "\n")), nil
}

func namesIn(content []byte) ([]string, error) {
	head, names, _ := strings.Cut(strings.TrimSuffix(string(content), "\n"), "\n")
	var list []string
	if names != "" {
		list = strings.Split(names, "\n")
	}
	if head != fmt.Sprintf("%d names", len(list)) {
		return nil, fmt.Errorf("a torn file was read: %q and %d lines", head, len(list))
	}
	return list, nil
}

const (
	doorProcesses = 3
	doorCallers   = 3 // goroutines of each process
	doorUpdates   = 8 // of each goroutine
)

// TestDoorChild is a process of another test: the test binary runs itself with it alone. What it
// does stands in the environment.
func TestDoorChild(t *testing.T) {
	path := os.Getenv("DOOR_PATH")
	switch os.Getenv("DOOR_CHILD") {
	case "race":
		raceChild(t, doors[os.Getenv("DOOR")], path)
	case "hold":
		holdChild(t, path)
	}
}

// doorChild starts a child that does what on the file at path.
func doorChild(t *testing.T, what, door,
	path string) (cmd *exec.Cmd, in io.WriteCloser, out *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "-test.run=^TestDoorChild$")
	// The race detector would wait a second before each end.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "DOOR_CHILD="+what, "DOOR="+door,
		"DOOR_PATH="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd, in, bufio.NewScanner(stdout)
}

// raceChild says ready, waits for its input to end, and makes updates from several goroutines. Of
// each it prints the name, and whether the door said that it was made.
func raceChild(t *testing.T, change door, path string) {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
	var crowded atomic.Int32
	var mu sync.Mutex // so that each line comes out whole
	var group sync.WaitGroup
	for g := range doorCallers {
		group.Go(func() {
			for u := range doorUpdates {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, u)
				err := change(t.Context(), path, func(content []byte) ([]byte, error) {
					leave, alone := enter(path)
					defer leave()
					if !alone {
						crowded.Add(1)
					}
					return addName(content, name)
				})
				mu.Lock()
				if err == nil {
					fmt.Println("made", name)
				} else {
					fmt.Println("error", strconv.Quote(err.Error()))
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if n := crowded.Load(); n > 0 {
		fmt.Printf("error two were inside at once, %d times\n", n)
	}
}

// enter reports whether no other caller is inside, of whatever process.
func enter(path string) (leave func(), alone bool) {
	mark := path + ".inside"
	f, err := os.OpenFile(mark, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return func() {}, false
	}
	_ = f.Close()
	return func() { _ = os.Remove(mark) }, true
}

// raceOutcome is what came of a race for one file.
type raceOutcome struct {
	made   int
	lost   []string // made, as the door said, but not in the file
	errors []string
}

// raceDoor lets several processes change one file through a door, each several times at once.
func raceDoor(t *testing.T, name string) raceOutcome {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.md")
	if err := os.WriteFile(path, []byte("0 names\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	type process struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Scanner
	}
	var processes []process
	for range doorProcesses {
		cmd, in, out := doorChild(t, "race", name, path)
		if !out.Scan() || out.Text() != "ready" {
			t.Fatalf("a child began with %q: %v", out.Text(), out.Err())
		}
		processes = append(processes, process{cmd, in, out})
	}
	for _, p := range processes {
		if err := p.in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var made []string
	var outcome raceOutcome
	for _, p := range processes {
		for p.out.Scan() {
			if name, found := strings.CutPrefix(p.out.Text(), "made "); found {
				made = append(made, name)
			} else if text, found := strings.CutPrefix(p.out.Text(), "error "); found {
				outcome.errors = append(outcome.errors, text)
			}
		}
		if err := errors.Join(p.out.Err(), p.cmd.Wait()); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found, err := namesIn(content)
	if err != nil {
		outcome.errors = append(outcome.errors, err.Error())
	}
	outcome.made = len(made)
	for _, name := range made {
		if !slices.Contains(found, name) {
			outcome.lost = append(outcome.lost, name)
		}
	}
	if n := len(found) - (len(made) - len(outcome.lost)); n != 0 {
		outcome.errors = append(outcome.errors, fmt.Sprintf("%d names more than were made", n))
	}
	return outcome
}

// Concurrent access is serialized, between goroutines and between processes: never two inside, and
// no update is lost.
func TestDoorSerializes(t *testing.T) {
	got := raceDoor(t, "WithTicketLock")
	if want := doorProcesses * doorCallers * doorUpdates; got.made != want || len(got.lost) > 0 ||
		len(got.errors) > 0 {
		t.Errorf("%d updates made of %d; lost: %v; errors: %v", got.made, want, got.lost,
			got.errors)
	}
}

// The race above can fail: every wrong door is found to lose updates that it had said to be made.
func TestDoorRaceCatchesWrongDoors(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for name := range doors {
		if name == "WithTicketLock" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("files that somebody has open are not renamed or locked in this way there")
			}
			const most = 10 // races; one should do, but it is chance that decides
			for n := range most {
				got := raceDoor(t, name)
				if len(got.lost) > 0 {
					t.Logf("race %d: %d of %d made updates lost, %d errors", n+1, len(got.lost),
						got.made, len(got.errors))
					return
				}
			}
			t.Errorf("no update was lost in %d races: the race catches nothing", most)
		})
	}
}

// holdChild holds the lock of the ticket at path, says so, and releases it at the end of its input.
func holdChild(t *testing.T, path string) {
	s := &Store{LockTimeout: time.Minute}
	err := s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
		fmt.Println("held")
		_, err := io.Copy(io.Discard, os.Stdin)
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// heldByAnother lets another process hold the lock of the ticket at path, until release is called.
func heldByAnother(t *testing.T, path string) (cmd *exec.Cmd, release func()) {
	t.Helper()
	cmd, in, out := doorChild(t, "hold", "", path)
	if !out.Scan() || out.Text() != "held" {
		t.Fatalf("the holder began with %q: %v", out.Text(), out.Err())
	}
	return cmd, func() {
		t.Helper()
		var rest bytes.Buffer
		err := in.Close()
		for out.Scan() {
			rest.WriteString(out.Text() + "\n")
		}
		if err := errors.Join(err, out.Err(), cmd.Wait()); err != nil {
			t.Fatalf("the holder ended with %v:\n%s", err, &rest)
		}
	}
}

package ticketfs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Whatever system call on a file of the board fails: the error is said in the system's words, or as
// the right that is missing, and the old ticket stands; or the change is there and its answer says
// so. Nothing is left behind, and the same store goes on.
func TestFaultAtEachCall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	program := strace(t)
	faults := map[string][]string{"EIO": {"input/output error"}}
	if longtest.Wanted() {
		faults["ENOSPC"] = []string{"no space left on device"}
		faults["EACCES"] = []string{"permission denied", "may not be written by you"}
		faults["ENOMEM"] = []string{"cannot allocate memory"}
	}
	for _, what := range whatToTrace() {
		path, change := tracedBoard(t, what)
		old, err := readTicketFile(path)
		if err != nil {
			t.Fatal(err)
		}
		calls, after := undisturbed(t, program, change,
			func() string { path, _ := tracedBoard(t, what); return path })
		for fault, words := range faults {
			t.Run(what+", "+fault, func(t *testing.T) {
				failed, unconfirmed, unjournaled := 0, 0, 0
				some := longtest.Sample(len(calls))
				for _, i := range some {
					call := calls[i]
					if call.isNoFault() {
						continue
					}
					path, _ := tracedBoard(t, what)
					_, said, err := traceChild(t, program, path, change,
						call.inject("error="+fault))
					if err != nil {
						t.Errorf("the child ended with %v", err)
					}
					result, err := judgeFault(said, sumOf(old), sumOf(durable.File{Content: after}),
						words)
					if err == nil {
						err = nextWriter(path)
					}
					if err != nil {
						t.Errorf("%s at %s: %v", fault, call.line, err)
					}
					switch result {
					case "not durable":
						unconfirmed++
					case "not journaled":
						unjournaled++
					case "error":
						failed++
					}
				}
				all := len(some) == len(calls)
				if unconfirmed > 1 || all && unconfirmed == 0 {
					t.Errorf("%d changes were not confirmed durable, want the one whose folder could not be synced", unconfirmed)
				}
				if all && unjournaled < 3 {
					t.Errorf("%d changes were not journaled, want those whose journal could not be opened, written or closed", unjournaled)
				}
				t.Logf("at %d of %d calls: %d errors, %d not confirmed durable, %d not journaled, the others done all the same",
					len(some), len(calls), failed, unconfirmed, unjournaled)
			})
		}
	}
}

// isNoFault reports whether a call cannot fail, or is none of the change. The end of a lock cannot:
// closing a valid descriptor frees it, whatever the system then says.
func (c fileCall) isNoFault() bool {
	return c.of("close", "t.md") || c.name == "close" && strings.Contains(c.line, lockExt+">") ||
		strings.Contains(c.line, "LOCK_UN") || strings.Contains(c.line, endOfChange)
}

// judgeFault judges what a threadChild said of a change that met a fault, of which an error must
// have one of the words.
func judgeFault(said string, old, new string, words []string) (result string, err error) {
	lines := strings.Split(said, "\n")
	if len(lines) < 3 {
		return "", fmt.Errorf("the child said only %q", said)
	}
	result, text, isError := strings.Cut(lines[0], ": ")
	want := new
	if isError {
		want = old
		named := slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
		if !named && !strings.HasPrefix(text, string(Busy)+": ") {
			return result, fmt.Errorf("the error says none of %q: %s", words, text)
		}
	}
	file, litter, _ := strings.Cut(strings.TrimPrefix(lines[1], "file "), " ")
	switch {
	case file != want:
		return result, fmt.Errorf("after %q the ticket is %s; old is %s, new is %s", lines[0], file,
			old, new)
	case litter != "" && litter != filepath.Join(tkLocks, "t.md"+lockExt):
		return result, fmt.Errorf("after %q there is left: %s", lines[0], litter)
	case lines[2] != "recovered":
		return result, fmt.Errorf("after %q the same store does not go on: %s", lines[0], lines[2])
	}
	return result, nil
}

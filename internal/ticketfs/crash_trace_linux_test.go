package ticketfs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// strace returns the program, or skips.
func strace(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here:", err)
	}
	if out, err := exec.Command(program, "-f", "-qq", "-e", "trace=none",
		"true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
	return program
}

// fileCall is a system call on a file of the board: its name, the how manyth of this name it is,
// and how strace shows it.
type fileCall struct {
	name string
	nth  int
	line string
}

func (c fileCall) inject(what string) string {
	return fmt.Sprintf("inject=%s:%s:when=%d", c.name, what, c.nth)
}

// of reports whether it is a call of this kind on a file of this name.
func (c fileCall) of(kind, file string) bool {
	return strings.HasPrefix(c.name, kind) && (strings.Contains(c.line, "/"+file+`"`) || strings.Contains(c.line, "/"+file+">"))
}

// traceChild lets a child make a change under strace, which injects a fault unless that is "". What
// it returns are the calls on the files of the board until the change was answered, in order, and
// what the child said. Only these calls count, for strace and here: so the how manyth a call is
// does not depend on what the runtime does before. Left out are fcntl and epoll_ctl, which touch no
// file.
func traceChild(t *testing.T, program, path, change, inject string) (calls []fileCall, said string, err error) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	args := []string{"-f", "-y", "-s", "32", "-o", log, "-e", "trace=!fcntl,epoll_ctl"}
	dir := filepath.Dir(path)
	for _, name := range []string{
		"..", "", ".gitignore", "t.md", "t.md.lock", filepath.Base(durable.TempPath(path)), "other.md", relationsLock, endOfChange,
		tkLocks, tkLocks + "/t.md.lock", session.Folder, session.Folder + "/" + session.Key(crashSession) + lockExt,
		journal.Folder, journal.Folder + "/t.jsonl",
	} {
		args = append(args, "-P", filepath.Join(dir, name))
	}
	if inject != "" {
		args = append(args, "-e", inject)
	}
	child := crashChild(path, "thread", "CRASH_CHANGE="+change)
	cmd := exec.Command(program, append(args, child.Args...)...)
	cmd.Env = child.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	text, readErr := os.ReadFile(log)
	if readErr != nil {
		t.Fatalf("%v; strace ended with %v: %s", readErr, err, &stderr)
	}
	counts := make(map[string]int)
	for _, m := range callForm.FindAllStringSubmatch(string(text), -1) {
		counts[m[2]]++
		calls = append(calls, fileCall{m[2], counts[m[2]], m[1]})
		if strings.Contains(m[1], "/"+endOfChange+`"`) {
			break
		}
	}
	return calls, string(out), err
}

var callForm = regexp.MustCompile(`(?m)^\d+ +(([a-z0-9_]+)\(.*)$`)

//go:build unix

package importer

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipes: a pipe that nobody writes to is not waited for, and a link is not followed out of the
// folder.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	tasks := filepath.Join(dir, "tasks")
	secret := filepath.Join(dir, "secret.md")
	for _, err := range []error{
		os.Mkdir(tasks, 0o777),
		syscall.Mkfifo(filepath.Join(dir, "issues.jsonl"), 0o666),
		syscall.Mkfifo(filepath.Join(tasks, "pipe.md"), 0o666),
		os.WriteFile(secret, []byte("---\nid: x\ntitle: X\n---\n"), 0o666),
		os.Symlink(secret, filepath.Join(tasks, "link.md")),
		os.Symlink(dir, filepath.Join(tasks, "around")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadBeads(dir); err == nil {
		t.Error("a pipe was read")
	}
	source, err := ReadBacklog(dir)
	if err != nil || len(source.Items) != 0 || len(source.Faults) != 0 {
		t.Errorf("%v; %+v", err, source)
	}
}

package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A row begins and ends with a newline, and says neither more nor less than it was given, up to its
// bounds.
func TestAppend(t *testing.T) {
	b := newBoard(t)
	b.change("t", "ada@person", ticket)
	r := Row{
		Time: began, Ticket: "t", From: "open", To: "closed",
		Cause: Cause{
			Call: "k3f9x2ab", Actor: "planner@5f3a9c21d0e4", Client: "codex", Tool: "close",
			Reason: strings.Repeat("ä", 600),
		},
		Before: HashOf([]byte(ticket)), After: HashOf([]byte(ticket)),
	}
	for i := range 30 {
		r.Fields = append(r.Fields, Field{Key: "k", Old: strings.Repeat("<", i*20), New: "\n"})
	}
	b.must(b.journal.Append(r))
	text, err := os.ReadFile(b.journal.path("t"))
	b.must(err)
	lines := strings.SplitAfter(string(text), "\n")
	if len(lines) != 5 || lines[0] != "\n" || lines[2] != "\n" || lines[4] != "" {
		t.Fatalf("%q", lines)
	}
	if n := len(lines[3]); n > 6000 {
		t.Errorf("%d bytes, though nothing is kept", n)
	}
	rows := b.rows("t")
	if got := rows[1]; got.Cause.Client != "codex" || got.ID() != "t:k3f9x2ab" ||
		len(got.Fields) != maxFields ||
		got.Reason != strings.Repeat("ä", 500)+"…" ||
		got.Fields[19].Old != strings.Repeat("<", 200)+"…" {
		t.Errorf("%+v", got)
	}
}

// What is no plain file in a plain folder is refused: nothing is followed, nothing waits.
func TestAppendRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no links without a privilege, no FIFO")
	}
	elsewhere := t.TempDir()
	for name, lay := range map[string]func(b *board) error{
		"folder is a link":     func(b *board) error { return os.Symlink(elsewhere, b.journal.dir) },
		"folder is a file":     func(b *board) error { return os.WriteFile(b.journal.dir, nil, 0o644) },
		"file is a link":       func(b *board) error { return os.Symlink(filepath.Join(elsewhere, "x"), b.journal.path("t")) },
		"file links a ticket":  func(b *board) error { return os.Symlink("../t.md", b.journal.path("t")) },
		"file is a folder":     func(b *board) error { return os.Mkdir(b.journal.path("t"), 0o755) },
		"file is a FIFO":       func(b *board) error { return mkfifo(b.journal.path("t")) },
		"FIFO that is read":    func(b *board) error { return readFifo(b.t, b.journal.path("t")) },
		"folder is a dead end": func(b *board) error { return os.Symlink("nowhere", b.journal.dir) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t)
			b.write("t", ticket)
			if strings.HasPrefix(name, "file") || strings.HasPrefix(name, "FIFO") {
				b.must(os.Mkdir(b.journal.dir, 0o755))
			}
			b.must(lay(b))
			r := rowOf(nil, []byte(ticket))
			if err := b.journal.Append(r); err == nil {
				t.Error("a row was appended")
			}
			if err := b.journal.Ticket("t", false, func(Row) bool { return true }); err == nil &&
				name != "folder is a dead end" {
				t.Error("it was read without an error")
			}
			if string(b.text("t")) != ticket {
				t.Error("the ticket was written")
			}
			if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
				t.Errorf("made elsewhere: %v, %v", left, err)
			}
		})
	}
}

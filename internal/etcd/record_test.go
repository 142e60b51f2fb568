//go:build etcd

package etcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// A writer that is killed between a line of the sums and the rename leaves the former content: that
// is the mirror's own too. What a torn line says is nothing.
func TestSums(t *testing.T) {
	dir := t.TempDir()
	s, err := readSums(dir)
	if err != nil {
		t.Fatal(err)
	}
	for n, text := range []string{"one", "two", "three"} {
		if err := s.add("a", []byte(text), int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add("b", []byte("b"), 9); err != nil {
		t.Fatal(err)
	}
	torn, err := os.OpenFile(filepath.Join(dir, sumsName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString("\n10 0123abcd b\n10 xx"); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for text, own := range map[string]bool{"one": false, "two": true, "three": true, "": false} {
			if s.files["a"].is([]byte(text)) != own {
				t.Errorf("%s, %q is the mirror's own: %v", when, text, !own)
			}
		}
		if !s.files["b"].is([]byte("b")) || s.files["b"].revision != 9 || len(s.files) != 2 {
			t.Errorf("%s: %+v", when, s.files)
		}
	}
	again := func(when string) {
		t.Helper()
		if s, err = readSums(dir); err != nil {
			t.Fatal(err)
		}
		check(when)
	}
	again("after a torn line")
	if err := s.add("b", []byte("b"), 9); err != nil {
		t.Fatal(err)
	}
	again("behind it")
	if err := s.rewrite(); err != nil {
		t.Fatal(err)
	}
	again("rewritten")
}

// The sums do not grow with the changes.
func TestSumsAreRewritten(t *testing.T) {
	s, err := readSums(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3000 {
		if err := s.add(fmt.Sprint("t", n%3), fmt.Append(nil, n), int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	if s.lines > 1100 {
		t.Errorf("%d lines for %d files", s.lines, len(s.files))
	}
}

// A record that somebody spoiled is none: the board is loaded again.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	want := record{Board: "b", Cluster: 1<<64 - 1, Revision: 7, Kept: []string{"a.md.mine"}}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := readRecord(dir); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%+v, %v", got, err)
	}
	path := filepath.Join(dir, recordName)
	for _, text := range []string{"", "{", `{"revision":-1}`, "null", `{"revision":"x"}`} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := readRecord(dir); err != nil || fmt.Sprint(got) != fmt.Sprint(record{}) {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := readRecord(dir); err != nil || got.Revision != 0 {
		t.Errorf("a folder is read as %+v, %v", got, err)
	}
}

// A writer whose folder has another one by now tells of nothing: the other has told it.
func TestReplacedWriterAppendsNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, writerLock)
	must(t, durable.MakeFile(path))
	lock, err := flocker.Try(path)
	must(t, err)
	defer func() { must(t, lock.Unlock()) }()
	w := &writer{Mirror: &Mirror{dir: dir}, lock: lock}
	local := journal.Of(dir)
	row := journal.Row{Ticket: "t", Time: time.Now(), Cause: journal.Cause{Call: journal.NewCall(),
		Tool: "test"}, From: "open", To: "open", After: journal.HashOf([]byte("x"))}
	must(t, w.append(local, row))
	before := len(rowsIn(t, dir, "t"))
	must(t, replaceFile(path, nil, 0o666))
	if err := w.append(local, row); !errors.Is(err, flocker.ErrReplaced) {
		t.Errorf("append: %v", err)
	}
	if after := len(rowsIn(t, dir, "t")); before == 0 || after != before {
		t.Errorf("%d rows, then %d", before, after)
	}
}

//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Nothing is decided by a file of the mirror that is not as its writer wrote it: while the writer
// has not put it right, a change whose rule reads it waits.
func TestAlteredFileDecidesNothing(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.fill(3)
	dir := t.TempDir()
	mirror := filepath.Join(dir, board.FolderName, board.MirrorFolder)
	store := s.store(dir, cluster.Endpoints()...)
	must(t, os.MkdirAll(mirror, 0o777))
	writer := process(t, cluster.Endpoints()[0], mirror)
	former := s.texts["t1"]
	s.put(map[string]string{"t1": "two"})
	path := filepath.Join(mirror, "t1.md")
	replace := func(text string) error {
		temp := path + ".temp"
		return errors.Join(os.WriteFile(temp, []byte(text), 0o644), os.Rename(temp, path))
	}
	reads := map[string]func(ticketfs.View) (document.Ticket, error){
		"itself": func(v ticketfs.View) (document.Ticket, error) { return v.Get("t1") },
		"by its parent": func(v ticketfs.View) (document.Ticket, error) {
			children, _, err := v.Children("epic")
			if err != nil || len(children) == 0 {
				return document.Ticket{}, err
			}
			return children[0], nil
		},
	}
	for altered, alter := range map[string]func() error{
		"edited":    func() error { return replace(closedChild) },
		"as it was": func() error { return replace(former) },
		"removed":   func() error { return os.Remove(path) },
		"a folder":  func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o777)) },
		"a stranger": func() error {
			return os.WriteFile(filepath.Join(mirror, "t9.md"), []byte(closedChild), 0o666)
		},
	} {
		for how, read := range reads {
			if how == "itself" && altered == "a stranger" {
				continue // a change of another id reads it
			}
			t.Run(altered+", read "+how, func(t *testing.T) {
				f, err := store.Open()
				must(t, err)
				_, err = f.Snapshot()
				must(t, err)
				must(t, writer.Signal(syscall.SIGSTOP))
				must(t, alter())
				var seen []document.Ticket
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				change := func(ctx context.Context) error {
					_, err := f.Within(ctx).Change(ctx, "t0", journal.Cause{Tool: "test"},
						func(_ *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
							ticket, err := read(v)
							if met := new(ticketfs.AlteredError); errors.As(err, &met) {
								cancel() // the first change waited for nothing
							}
							if err != nil {
								return ticketfs.Decision{}, err
							}
							seen = append(seen, ticket)
							return ticketfs.Decision{Edits: []document.Edit{
								document.Append("Notes", "seen")}}, nil
						})
					return err
				}
				err = change(ctx)
				must(t, writer.Signal(syscall.SIGCONT))
				wantCode(t, err, ticketfs.Busy)
				within, end := context.WithTimeout(t.Context(), etcdtest.Soon)
				defer end()
				must(t, change(within))
				if slices.ContainsFunc(seen, func(read document.Ticket) bool {
					return read.Status == document.StatusClosed || read.Title == "one"
				}) {
					t.Errorf("it was read: %+v", seen)
				}
				answer, err := s.client.Get(t.Context(), s.keys.ticket("t0"))
				must(t, err)
				s.texts["t0"] = string(answer.Kvs[0].Value)
				fresh(t, s.open(s.client, mirror))
				s.shows(mirror)
			})
		}
	}
}

// closedChild is what somebody makes of a ticket.
const closedChild = "---\nschema_version: 1\nid: t1\nstatus: closed\nparent: epic\n---\n# Closed\n"

// The sums tell of every file, however they are read: as lines come, from a file that was replaced,
// with a line that is half there, and of files that are no more.
func TestSumReader(t *testing.T) {
	dir := t.TempDir()
	s, err := readSums(dir)
	must(t, err)
	reader := newSumReader(dir)
	is := func(id string, content []byte, want bool) {
		t.Helper()
		got, err := reader.is(id, content)
		if err != nil || got != want {
			t.Errorf("%s is %q: %v (%v), want %v", id, content, got, err, want)
		}
	}
	must(t, s.add("a", []byte("one"), 1))
	is("a", []byte("one"), true)
	is("a", []byte("two"), false)
	is("b", []byte("one"), false)
	is("b", nil, true)
	is("a", nil, false)
	must(t, s.add("a", []byte("two"), 2))
	is("a", []byte("two"), true)
	is("a", []byte("one"), false)
	must(t, s.rewrite())
	must(t, s.add("b", []byte("one"), 3))
	is("b", []byte("one"), true)
	is("a", []byte("two"), true)
	must(t, os.Remove(filepath.Join(dir, sumsName)))
	must(t, s.keep())
	must(t, s.add("c", []byte("one"), 4))
	is("c", []byte("one"), true)
	must(t, s.remove("a"))
	is("a", nil, true)
	is("a", []byte("two"), false)
	line := []byte("\n" + sumLine("d", shown{sum: [32]byte{1}, revision: 5}))
	for _, part := range [][]byte{line[:20], line[20:]} {
		_, err := s.end.Write(part)
		must(t, err)
		is("d", []byte("one"), false)
	}
	if got := reader.sums["d"]; !bytes.Equal(got[:1], []byte{1}) {
		t.Errorf("d: %x", got)
	}
	must(t, s.close())
	again, err := readSums(dir)
	must(t, err)
	if _, there := again.files["a"]; there || len(again.files) != 3 {
		t.Errorf("%d sums", len(again.files))
	}
}

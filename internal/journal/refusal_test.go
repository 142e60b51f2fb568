package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	b := newBoard(t)
	read := func(since time.Time) (got []Refusal) {
		t.Helper()
		b.must(b.journal.Refusals(since, func(r Refusal) { got = append(got, r) }))
		return got
	}
	r := Refusal{Time: began, Actor: "a@b", Tool: "start", Ticket: "t", Code: "claimed"}
	b.must(b.journal.Refused(r))
	if _, err := os.Stat(b.journal.dir); err == nil || len(read(began)) > 0 {
		t.Error("a refusal began a journal")
	}
	b.change("t", "a", ticket)
	b.must(b.journal.Refused(r))
	path := filepath.Join(b.journal.dir, refusals)
	text, err := os.ReadFile(path)
	b.must(err)
	b.must(os.WriteFile(path, append(text, `{"time":"2026-01-04T05:22:09Z","code":"torn`...),
		0o644))
	r.Time = began.Add(time.Hour)
	b.must(b.journal.Refused(r))
	if got := read(began); len(got) != 2 || got[1] != r {
		t.Errorf("%+v", got)
	}
	if got := read(r.Time); len(got) != 1 {
		t.Errorf("since the second: %+v", got)
	}
	if files, err := b.journal.Files(); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	b.must(os.Truncate(path, maxRefusals+1))
	b.must(b.journal.Refused(r))
	if info, err := os.Stat(path); err != nil || info.Size() != maxRefusals+1 {
		t.Errorf("it grows on: %v, %v", info.Size(), err)
	}
}

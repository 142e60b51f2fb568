package ticketfs

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// remote is an engine whose folder only shows what is kept elsewhere, and which is cut off from
// there while lost is set.
type remote struct {
	local
	lost *CutOff
}

func (r *remote) cutOff() error {
	if r.lost == nil {
		return nil
	}
	return r.lost
}

func (r *remote) Fresh(context.Context) error { return r.cutOff() }

func (r *remote) Exists(ctx context.Context, id string) error {
	if err := r.cutOff(); err != nil {
		return err
	}
	return r.local.Exists(ctx, id)
}

func (r *remote) Read(ctx context.Context, id string) ([]byte, error) {
	if err := r.cutOff(); err != nil {
		return nil, err
	}
	return r.local.Read(ctx, id)
}

func (r *remote) Change(ctx context.Context, c Change) error {
	if err := r.cutOff(); err != nil {
		return refused("", err) // an engine's own are refusals
	}
	return r.local.Change(ctx, c)
}

// What only reads goes on with what the folder shows, and tells since when that may have changed.
// Changes, and what leads to them, are refused; so is everything where there is nothing to show.
func TestCutOff(t *testing.T) {
	s, path := sampleBoard(t)
	id := document.IDOf(filepath.Base(path))
	if _, err := s.Open(); err != nil {
		t.Fatal(err)
	}
	engine := &remote{local: local{s, s.dir}}
	s.engine = engine
	toOne := func(*document.Document) (Decision, error) {
		return Decision{Edits: []document.Edit{document.Set("priority", "1")}}, nil
	}
	asOf := time.Now().Add(-time.Minute)
	reads := func(f *Folder) error {
		v, err := f.Snapshot()
		if err == nil {
			_, err = v.Get(id)
		}
		if err == nil {
			_, err = f.Get(id)
		}
		if err == nil && CodeOf(f.Exists("none")) != NotFound {
			err = errors.New("none is there")
		}
		return err
	}
	for _, tt := range []struct {
		name  string
		lost  *CutOff
		reads Code // "" where they go on
		older bool
	}{
		{"reached", nil, "", false},
		{"cut off", &CutOff{AsOf: asOf, Why: errors.New("no route")}, "", true},
		{"cut off from the beginning", &CutOff{Why: errors.New("no route")}, Unreachable, false},
		{"whatever is behind it", &CutOff{Why: ErrNotDurable}, Unreachable, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			engine.lost = tt.lost
			f, err := s.Open()
			if err != nil {
				t.Fatal(err)
			}
			if f.Older() != nil {
				t.Error("older ahead of any question")
			}
			if err := reads(f.Within(t.Context())); CodeOf(err) != tt.reads || tt.reads == "" && err != nil {
				t.Errorf("reads said: %v", err)
			}
			since := f.Older()
			if older := since != nil; older != tt.older || older && !since.AsOf.Equal(asOf) {
				t.Errorf("older than %v", since)
			}
			if code := CodeOf(f.Current()); (code == Unreachable) != tt.older {
				t.Errorf("what leads to work was answered: %q", code)
			}
			_, err = f.Edit(t.Context(), id, journal.Cause{}, toOne)
			if want := tt.lost != nil; (CodeOf(err) == Unreachable) != want {
				t.Errorf("a change said: %v", err)
			}
			engine.lost = nil
			if f, err = s.Open(); err != nil {
				t.Fatal(err)
			}
			if err := reads(f); err != nil || f.Current() != nil {
				t.Errorf("reached again: %v, %v", err, f.Current())
			}
		})
	}
}

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestUndo(t *testing.T) {
	one, two, three := ticket+"1\n", ticket+"2\n", ticket+"3\n"
	by := func(actor string) func(Row) bool { return func(r Row) bool { return r.Actor == actor } }
	call := func(call string) func(Row) bool { return func(r Row) bool { return r.Call == call } }
	for name, c := range map[string]struct {
		play          func(b *board)
		pick          func(Row) bool
		want, content string // rows undone; what the ticket becomes, "" for as it is
		later         string // the row that forbids it
	}{
		"the last": {play: func(b *board) { b.change("t", "a", one); b.change("t", "a", two) },
			pick: call("call2"), want: "call2", content: one},
		"not the last": {play: func(b *board) { b.change("t", "a", one); b.change("t", "a", two); b.change("t", "b", three) },
			pick: call("call2"), later: "call3"},
		"an hour": {play: func(b *board) { b.write("t", one); b.change("t", "a", two); b.change("t", "a", three) },
			pick: by("a"), want: "call2 call1", content: one},
		"another between": {play: func(b *board) { b.change("t", "a", one); b.change("t", "b", two); b.change("t", "a", three) },
			pick: by("a"), later: "call2"},
		"an editor after": {play: func(b *board) { b.write("t", one); b.change("t", "a", two); b.write("t", three) },
			pick: by("a"), later: "outside"},
		"an editor between": {play: func(b *board) { b.change("t", "a", one); b.write("t", two); b.change("t", "a", three) },
			pick: by("a"), later: "outside"},
		"changed and back": {play: func(b *board) {
			b.write("t", one)
			b.change("t", "a", two)
			b.change("t", "b", three)
			b.change("t", "b", two)
		}, pick: by("a"), want: "call1", content: one},
		"created": {play: func(b *board) { b.change("t", "a", one); b.change("t", "a", two) },
			pick: by("a"), want: "call2 call1", content: one},
		"created, removed, created again": {play: func(b *board) {
			b.change("t", "a", one)
			b.must(os.Remove(filepath.Join(b.dir, "t.md")))
			b.change("t", "a", two)
		}, pick: by("a"), want: "call2", content: two},
		"nothing": {play: func(b *board) { b.change("t", "a", one) }, pick: by("b")},
		"removed": {play: func(b *board) { b.change("t", "a", one); b.must(os.Remove(filepath.Join(b.dir, "t.md"))) },
			pick: by("a"), later: "outside"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t)
			c.play(b)
			u, err := Undo(b.rows("t"), b.text("t"), c.pick)
			var later *LaterError
			if errors.As(err, &later) != (c.later != "") || later != nil &&
				told([]Row{later.Later}) != c.later {
				t.Fatalf("%v, want %q", err, c.later)
			}
			switch {
			case later != nil:
			case err != nil:
				t.Fatal(err)
			case u == nil:
				if c.want != "" {
					t.Errorf("nothing to undo, want %q", c.want)
				}
			case told(u.Rows) != c.want || string(u.Content) != c.content ||
				u.Created != (u.Rows[len(u.Rows)-1].Before == ""):
				t.Errorf("undid %q, created %v: %q; want %q: %q", told(u.Rows), u.Created,
					u.Content, c.want, c.content)
			}
		})
	}
}

// A row whose former text was lost is undone by nobody.
func TestUndoWithoutFormer(t *testing.T) {
	b := newBoard(t)
	b.write("t", ticket)
	b.change("t", "a", ticket+"1\n")
	rows := b.rows("t")
	rows[0].Former = nil
	if u, err := Undo(rows, b.text("t"), func(Row) bool { return true }); err == nil {
		t.Errorf("undone to %q", u.Content)
	}
}

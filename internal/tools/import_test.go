package tools_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/importer"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// newImport gives a board in an empty folder, and a plan of these lines for it.
func newImport(t *testing.T,
	lines string) (b *tools.Board, dir string, plan func() *importer.Plan) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), ".tickets")
	must(t, os.Mkdir(dir, 0o777))
	b = &tools.Board{
		Store:   ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout),
		Session: session.NewVisitor("", time.Now),
		Now:     time.Now,
	}
	source, err := importer.ParseBeads(strings.NewReader(lines))
	must(t, err)
	return b, dir, func() *importer.Plan {
		p, err := b.PlanImport(source)
		must(t, err)
		return p
	}
}

// TestImportInterrupted: an import that ended anywhere goes on from there, and at each moment the
// board breaks no rule.
func TestImportInterrupted(t *testing.T) {
	const n = 12
	var lines strings.Builder
	for i := range n { // each a child of the one half its number, waiting for the one behind it
		fmt.Fprintf(&lines, `{"id":"t%d","title":"T%d","status":"open","dependencies":[{"depends_on_id":"t%d","type":"parent-child"}`, i, i, i/2)
		if i%2 == 0 {
			fmt.Fprintf(&lines, `,{"depends_on_id":"t%d","type":"blocks"}`, i+1)
		}
		lines.WriteString("]}\n")
	}
	b, dir, plan := newImport(t, lines.String())
	for done := 0; done < n; {
		p := plan()
		if p.Done != done || len(p.New) != n-done {
			t.Fatalf("after %d: %d are there, %d are new", done, p.Done, len(p.New))
		}
		p.New = p.New[:min(5, len(p.New))]
		made, refused, err := b.Import(context.Background(), p)
		must(t, err)
		if made != len(p.New) || len(refused) != 0 {
			t.Fatalf("made %d of %d; %v", made, len(p.New), refused)
		}
		done += made
		if d, err := b.Diagnose(context.Background()); err != nil || len(d.Findings) > 0 {
			t.Fatalf("after %d: %v %v", done, d.Findings, err)
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "t*.md")); err != nil || len(files) != n {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// TestImportBesideOthers: a plan that the board has overtaken is judged by the board as it is. What
// is refused is named and not written, and the rest is created.
func TestImportBesideOthers(t *testing.T) {
	b, dir, plan := newImport(t, `{"id":"epic","title":"E","status":"open"}
{"id":"child","title":"C","status":"open","dependencies":[{"depends_on_id":"epic","type":"parent-child"}]}
{"id":"grandchild","title":"G","status":"open","dependencies":[{"depends_on_id":"child","type":"parent-child"}]}
{"id":"taken","title":"T","status":"open"}
{"id":"free","title":"F","status":"open"}
`)
	p := plan()
	write := func(id, status string) {
		content := "---\nid: " + id + "\nstatus: " + status + "\n---\n# Of somebody else\n"
		must(t, os.WriteFile(filepath.Join(dir, id+".md"), []byte(content), 0o666))
	}
	write("epic", "closed")
	write("taken", "open")
	made, refused, err := b.Import(context.Background(), p)
	must(t, err)
	var codes []string
	for _, f := range refused {
		codes = append(codes, f.Where+" "+string(ticketfs.CodeOf(f)))
	}
	want := "line 1 invalid, line 2 parent_status, line 3 not_found, line 4 invalid"
	if got := strings.Join(codes, ", "); got != want || made != 1 {
		t.Errorf("made %d, refused %s; want 1 and %s", made, got, want)
	}
	for _, id := range []string{"child", "grandchild"} {
		if left, err := filepath.Glob(filepath.Join(dir, id+"*")); err != nil || len(left) > 0 {
			t.Errorf("left of what was refused: %v, %v", left, err)
		}
	}

	// The next plan finds the ids taken and the parent elsewhere.
	p = plan()
	made, refused, err = b.Import(context.Background(), p)
	must(t, err)
	if made != 4 || len(refused) != 0 || p.Done != 1 {
		t.Errorf("the second plan: made %d of %d, %d there, refused %v", made, len(p.New), p.Done,
			refused)
	}
}

// TestImportBroken: a file that cannot be read and has an item's id may be what an earlier import
// made. It is left alone.
func TestImportBroken(t *testing.T) {
	b, dir, plan := newImport(t, `{"id":"a","title":"A","status":"open"}`)
	must(t, os.WriteFile(filepath.Join(dir, "a.md"), []byte("---\nstatus: [\n---\n"), 0o666))
	if p := plan(); len(p.New) != 0 || p.Done != 1 {
		t.Errorf("%d new, %d there", len(p.New), p.Done)
	}
	if _, err := b.Diagnose(t.Context()); err != nil {
		t.Error(err)
	}
}

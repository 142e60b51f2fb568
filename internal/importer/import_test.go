package importer

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

var update = flag.Bool("update", false, "write the tables and tickets again")

var now = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// ids makes ids that tests can name.
func ids() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("new%d", n)
	}
}

func readSource(t *testing.T, path string) *Source {
	t.Helper()
	read := ReadBacklog
	if strings.HasSuffix(path, ".jsonl") {
		read = ReadBeads
	}
	source, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// TestImport compares the table and every ticket that comes out of a source with what stands in the
// file. With -update it is written again.
func TestImport(t *testing.T) {
	for name, input := range map[string]string{"beads": "issues.jsonl", "backlog": "backlog"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "import", name+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			given := 0
			for archive.Files[given].Name != "table" {
				given++
			}
			if err := txtar.Write(&txtar.Archive{Files: archive.Files[:given]}, dir); err != nil {
				t.Fatal(err)
			}
			plan := NewPlan(readSource(t, filepath.Join(dir, input)), nil, ids())
			var table bytes.Buffer
			if err := plan.Report().Write(&table); err != nil {
				t.Fatal(err)
			}
			got := append(archive.Files[:given:given],
				txtar.File{Name: "table", Data: table.Bytes()})
			for _, n := range plan.New {
				content, err := n.Content(plan.Source.Name, now)
				if err != nil {
					t.Errorf("%s: %v", n.Item.Where, err)
				}
				got = append(got, txtar.File{Name: n.ID + document.Ext, Data: content})
			}
			if *update {
				if err := os.WriteFile(path,
					txtar.Format(&txtar.Archive{Comment: archive.Comment,
						Files: got}), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)),
				string(txtar.Format(&txtar.Archive{Comment: archive.Comment,
					Files: got}))); diff != "" {
				t.Errorf("(-file +got); go test -run TestImport -update writes it:\n%s", diff)
			}
		})
	}
}

// TestImportAgain: what the board has is left alone, and what is new may name it.
func TestImportAgain(t *testing.T) {
	source, err := ParseBeads(strings.NewReader(`{"id":"a","title":"A","status":"open"}
{"id":"b","title":"B","status":"open","dependencies":[{"depends_on_id":"a","type":"blocks"}]}
{"id":"c","title":"C","status":"open","dependencies":[{"depends_on_id":"b","type":"parent-child"},{"depends_on_id":"a","type":"related"}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	first := NewPlan(source, nil, ids())
	board := []Existing{}
	for _, n := range first.New {
		board = append(board, Existing{ID: n.ID, ExternalRef: n.Item.Ref,
			Status: document.StatusOpen})
	}
	if again := NewPlan(source, board, ids()); len(again.New) != 0 || again.Done != 3 {
		t.Errorf("a second run: %d new, %d done", len(again.New), again.Done)
	}

	board = []Existing{{ID: "x1", ExternalRef: "a", Status: document.StatusClosed},
		{ID: "x2", ExternalRef: "b"}, {ID: "C"}}
	rest := NewPlan(source, board, ids())
	if len(rest.New) != 1 {
		t.Fatalf("%d new, want only c", len(rest.New))
	}
	n := rest.New[0]
	if n.ID != "new1" || n.Parent != "x2" || !cmp.Equal(n.Links, []string{"x1"}) {
		t.Errorf("c became %+v", n)
	}

	board[1].Status = document.StatusClosed
	if n := NewPlan(source, board, ids()).New[0]; n.Parent != "" ||
		!cmp.Equal(n.Links, []string{"x1", "x2"}) {
		t.Errorf("below a closed parent c became %+v", n)
	}
}

// TestOrder: long chains, written from the end, and rings of any kind are planned in an order in
// which each can be created.
func TestOrder(t *testing.T) {
	n := 1_000
	if longtest.Wanted() {
		n = 10_000
	}
	chain := func(kind string, ring bool) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"id":"t%d","title":"T","status":"open"`, i)
			if next := i + 1; next < n || ring {
				fmt.Fprintf(&b, `,"dependencies":[{"depends_on_id":"t%d","type":"%s"}]`, next%n,
					kind)
			}
			b.WriteString("}\n")
		}
		return b.String()
	}
	dense := func(n int) string { // everything waits for everything
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"id":"t%d","title":"T","status":"open","dependencies":[{"depends_on_id":"t0","type":"blocks"}`, i)
			for j := range n {
				fmt.Fprintf(&b, `,{"depends_on_id":"t%d","type":"blocks"}`, j)
			}
			b.WriteString("]}\n")
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		input string
		edges int
	}{
		"chain of blockers": {chain("blocks", false), n - 1},
		"ring of blockers":  {chain("blocks", true), n - 1},
		"chain of parents":  {chain("parent-child", false), n - 1},
		"ring of parents":   {chain("parent-child", true), n - 1},
		"dense":             {dense(50), 50 * 49 / 2},
		"hostile":           {dense(300), -1}, // beyond the budget: fewer edges, the same order
	} {
		t.Run(name, func(t *testing.T) {
			if test.edges < 0 && testing.Short() {
				t.Skip("takes more than a second")
			}
			source, err := ParseBeads(strings.NewReader(test.input))
			if err != nil {
				t.Fatal(err)
			}
			if edges := checkOrder(t, NewPlan(source, nil, ids())); edges != test.edges &&
				test.edges >= 0 {
				t.Errorf("%d edges were kept, want %d", edges, test.edges)
			}
		})
	}
}

// checkOrder counts the edges of a plan, each of which leads to a ticket before it.
func checkOrder(t *testing.T, plan *Plan) (edges int) {
	t.Helper()
	made := map[string]*New{}
	for i := range plan.New {
		n := &plan.New[i]
		if made[n.ID] != nil {
			t.Fatalf("the id %s is given twice", n.ID)
		}
		if n.Parent != "" {
			parent := made[n.Parent]
			if parent == nil {
				t.Fatalf("%s comes before its parent %s", n.ID, n.Parent)
			}
			if parent.Item.Ticket.Status == document.StatusClosed &&
				n.Item.Ticket.Status != document.StatusClosed {
				t.Fatalf("%s is open below the closed %s", n.ID, n.Parent)
			}
			edges++
		}
		for _, b := range n.BlockedBy {
			if made[b] == nil {
				t.Fatalf("%s comes before its blocker %s", n.ID, b)
			}
			edges++
		}
		made[n.ID] = n
	}
	return edges
}

// TestCaps: what is too large is a fault or an error, and what is no file is not read.
func TestCaps(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB, twice")
	}
	long := `{"id":"long","title":"` + strings.Repeat("x", MaxLine) + `"}`
	source, err := ParseBeads(strings.NewReader(long + "\n" + `{"id":"a","title":"A"}` + "\n" +
		long))
	if err != nil || len(source.Items) != 1 || len(source.Faults) != 2 {
		t.Errorf("%v; %+v", err, source.Faults)
	}
	if _, err := ParseBeads(zeros(MaxInput + 10)); err == nil {
		t.Error("an endless line was read")
	}
	var many strings.Builder
	for i := range MaxItems + 1 {
		fmt.Fprintf(&many, "{\"id\":\"i%d\",\"title\":\"T\"}\n", i)
	}
	if _, err := ParseBeads(strings.NewReader(many.String())); err == nil {
		t.Error("more than MaxItems were read")
	}
	for _, read := range []func(string) (*Source, error){ReadBeads, ReadBacklog} {
		for _, path := range []string{os.DevNull, filepath.Join(t.TempDir(), "none"), t.TempDir()} {
			if source, err := read(path); err == nil {
				t.Errorf("%s was read: %+v", path, source)
			}
		}
	}
	folder := filepath.Join(t.TempDir(), "tasks")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range MaxInput/document.MaxFile + 1 {
		path := filepath.Join(folder, fmt.Sprintf("%03d.md", i))
		if err := errors.Join(os.WriteFile(path, nil, 0o666),
			os.Truncate(path, document.MaxFile)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadBacklog(filepath.Dir(folder)); !errors.Is(err, errTooLarge) {
		t.Errorf("%v, want %v", err, errTooLarge)
	}
	deep := `{"id":"a","title":"A","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) +
		"}"
	big := `{"id":"b","title":"B","description":"` + strings.Repeat("x", document.MaxFile) + `"}`
	wide := `{"id":"c","title":"C","x":"` + strings.Repeat("x", document.MaxFrontMatter) + `"}`
	nul := `{"id":"d","title":"D","description":"\u0000"}`
	source, err = ParseBeads(strings.NewReader(strings.Join([]string{deep, big, wide, nul}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range NewPlan(source, nil, ids()).New {
		if content, err := n.Content("beads", now); err == nil && n.ID != "a" {
			t.Errorf("%s became a ticket of %d bytes", n.ID, len(content))
		}
	}
}

// zeros is a source of so many bytes without a line break.
type zeroReader struct{ left int }

func zeros(n int) *zeroReader { return &zeroReader{n} }

func (z *zeroReader) Read(p []byte) (int, error) {
	n := min(len(p), z.left)
	if n == 0 {
		return 0, os.ErrDeadlineExceeded // the reader should have given up before
	}
	z.left -= n
	return n, nil
}

// FuzzBeads: any input is read to its end, and what is planned can be created in its order.
func FuzzBeads(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/import/beads.txtar")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(archive.Files[0].Data)
	for line := range bytes.Lines(archive.Files[0].Data) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		source, err := ParseBeads(bytes.NewReader(input))
		if err != nil {
			return
		}
		checkPlan(t, NewPlan(source, nil, ids()))
	})
}

// FuzzBacklog is the same for task files, of which the input holds several.
func FuzzBacklog(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/import/backlog.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range archive.Files {
		f.Add(file.Data, archive.Files[(i+1)%len(archive.Files)].Data)
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		source := &Source{Name: "backlog", refs: map[string]bool{}}
		for i, content := range [][]byte{one, other} {
			if err := source.backlogFile(fmt.Sprintf("tasks/%d.md", i), content); err != nil {
				t.Fatal(err)
			}
		}
		checkPlan(t, NewPlan(source, nil, ids()))
	})
}

// checkPlan checks order and content of a plan of any input.
func checkPlan(t *testing.T, plan *Plan) {
	t.Helper()
	checkOrder(t, plan)
	for _, n := range plan.New {
		content, err := n.Content(plan.Source.Name, now)
		if err != nil {
			continue // and the command names it
		}
		d, err := document.Parse(n.ID, content)
		if err != nil {
			t.Fatalf("%s: %v\n%s", n.ID, err, content)
		}
		if ref, _ := d.Field("external-ref"); ref != n.Item.Ref {
			t.Fatalf("external-ref is %q, not %q", ref, n.Item.Ref)
		}
	}
	if err := plan.Report().Write(&bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
}

package ticketfs

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// A speculative run takes the index as it is when that is of a moment ago. After a longer time it
// refreshes it, so that the authoritative run, under the relations lock for which all others wait,
// has little to read. That one always refreshes it.
func TestSpeculativeRun(t *testing.T) {
	for _, test := range []struct {
		name  string
		age   time.Duration // of the index
		looks bool          // the speculative run, through the folder
	}{
		{"a moment ago", -time.Hour, false}, // and not later, however slow the machine is
		{"long ago", time.Minute, true},
		{"never", 0, true},
	} {
		s, path := faultBoard(t, t.TempDir(), true)
		if test.name != "never" {
			_, err := s.snapshot()
			must(t, err)
			s.index.Refreshed = s.index.Refreshed.Add(-test.age)
		}
		child := "---\nid: other\nstatus: open\nparent: t\n---\n# T\n"
		writeFile(t, filepath.Join(filepath.Dir(path), "other.md"), child)
		var seen []bool
		_, err := s.changeWith(t.Context(), "t",
			func(_ *document.Document, v View) ([]document.Edit, error) {
				children, _, err := v.Children("t")
				seen = append(seen, len(children) == 1)
				return []document.Edit{document.AppendNote("one")}, err
			})
		must(t, err)
		if len(seen) != 2 || seen[0] != test.looks || !seen[1] {
			t.Errorf("%s: the child was seen by the speculative and by the authoritative run: %v",
				test.name, seen)
		}
	}
}

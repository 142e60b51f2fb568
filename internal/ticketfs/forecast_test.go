package ticketfs

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// A forecast takes the index as it is when that is of a moment ago. After a longer time it brings it up to date, so that the
// verdict, under the relations lock for which all others wait, has little to read. The verdict always does.
func TestForecast(t *testing.T) {
	for _, test := range []struct {
		name  string
		age   time.Duration // of the index
		looks bool          // the forecast, through the folder
	}{
		{"a moment ago", -time.Hour, false}, // and not later, however slow the machine is
		{"long ago", time.Minute, true},
		{"never", 0, true},
	} {
		s, path := faultBoard(t, t.TempDir(), true)
		if test.name != "never" {
			_, err := s.View()
			must(t, err)
			s.index.Refreshed = s.index.Refreshed.Add(-test.age)
		}
		child := "---\nid: other\nstatus: open\nparent: t\n---\n# T\n"
		writeFile(t, filepath.Join(filepath.Dir(path), "other.md"), child)
		var seen []bool
		_, err := s.Change(t.Context(), "t", journal.Cause{}, func(_ *document.Document, v *View) ([]document.Edit, error) {
			children, _, err := v.Children("t")
			seen = append(seen, len(children) == 1)
			return []document.Edit{document.AppendNote("one")}, err
		})
		must(t, err)
		if len(seen) != 2 || seen[0] != test.looks || !seen[1] {
			t.Errorf("%s: the child was seen by the forecast and by the verdict: %v", test.name, seen)
		}
	}
}

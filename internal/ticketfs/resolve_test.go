package ticketfs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

func TestResolve(t *testing.T) {
	dir := filepath.Join(t.TempDir(), board.FolderName)
	makeFolder(t, dir)
	for _, id := range []string{"d5a", "d5b.md", "Ab-1", "ab-2", "AB-2", "d5b"} {
		writeFile(t, filepath.Join(dir, id+".md"), "---\nstatus: open\n---\n")
	}
	writeFile(t, filepath.Join(dir, "README.md"), "# T\n")
	f, err := NewStore(board.Where{Start: dir}, DefaultLockTimeout).Open()
	must(t, err)
	for pasted, want := range map[string]string{
		"d5a": "d5a", "#d5a": "d5a", "d5a.md": "d5a", " d5a ": "d5a", "\td5a\n": "d5a", ".tickets/d5a.md": "d5a", "./.tickets/d5a.md": "d5a",
		filepath.Join(dir, "d5a.md"): "d5a", `.tickets\d5a.md`: "d5a", "`d5a`": "d5a", `"d5a"`: "d5a", "[d5a]": "d5a", "# d5a": "d5a",
		"D5A": "d5a", "#D5A.md": "d5a", "D5A.MD": "d5a", "d5a.Md": "d5a", "AB-1": "Ab-1", "ab-2": "ab-2", "AB-2": "AB-2",
		// What is there as it stands is itself, and what fits two is neither.
		"d5b.md": "d5b.md", "d5b": "d5b", "aB-2": "aB-2", "#aB-2.md": "aB-2",
		"d5c": "d5c", "#d5c.md": "d5c", "": "", "../d5a": "../d5a", "../.tickets/d5a": "../.tickets/d5a", "/repo/.tickets/d5a.md": "/repo/.tickets/d5a.md", "d5a/../d5b": "d5a/../d5b", "x.tickets/d5a": "x.tickets/d5a", "readme": "readme",
	} {
		if got := f.Resolve(pasted); got != want {
			t.Errorf("%q is %q, want %q", pasted, got, want)
		}
	}
	if err := f.Exists("D5"); CodeOf(err) != NotFound ||
		!strings.Contains(err.Error(), "d5a, d5b, d5b.md") {
		t.Errorf("a miss: %v", err)
	}
	if err := f.Exists("REA"); CodeOf(err) != NotFound || strings.Contains(err.Error(), "README") {
		t.Errorf("a miss: %v", err)
	}
}

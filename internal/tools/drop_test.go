package tools_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// TestDropOfTooMany: what one call cannot drop in its time is refused at once and says what to do;
// nothing is locked or written.
func TestDropOfTooMany(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 400 tickets in one change")
	}
	dir := filepath.Join(t.TempDir(), ".tickets")
	must(t, os.Mkdir(dir, 0o777))
	write := func(id, parent string) {
		text := "---\nid: " + id + "\nstatus: open\n" + parent + "---\n# Ticket " + id + "\n"
		must(t, os.WriteFile(filepath.Join(dir, id+".md"), []byte(text), 0o666))
	}
	write("top", "")
	for i := range 401 {
		write(fmt.Sprintf("c%03d", i), "parent: top\n")
	}
	b := onceMore(dir)
	b.Store.LockTimeout = time.Minute // how fast the disk is, is not asked here
	drop := map[string]any{"id": "top", "resolution": "dropped", "children": true}
	r := call(t, b, "close", drop)
	if r.code != ticketfs.OpenChildren || !strings.Contains(r.text,
		"below top are 401 open tickets, more than the 400") {
		t.Fatal(r.text)
	}
	if locks, _ := filepath.Glob(filepath.Join(dir, "*.md.lock")); len(locks) > 0 {
		t.Errorf("%d locks were made", len(locks))
	}
	call(t, b, "close", map[string]any{"id": "c000", "resolution": "dropped"})
	if r := call(t, b, "close", drop); r.code != "" {
		t.Fatal(r.text)
	}
}

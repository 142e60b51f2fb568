package ticketfs

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// threadChild makes a change, says what came of it, and then goes on as a server would after a
// fault. It does so on one thread, since strace counts the calls of each thread for itself.
func threadChild(path string, change crashChange) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := storeAt(path)
	err := change.make(s)
	switch {
	case err == nil:
		fmt.Println("answered")
	case errors.Is(err, ErrNotDurable):
		fmt.Println("not durable")
	case errors.Is(err, ErrNotJournaled):
		fmt.Println("not journaled")
	default:
		fmt.Println("error:", oneLine(err))
	}
	_, _ = os.Lstat(filepath.Join(filepath.Dir(path), endOfChange))
	now, readErr := readTicketFile(path)
	litter, litterErr := litterOf(filepath.Dir(path))
	if err := errors.Join(readErr, litterErr); err != nil {
		fmt.Println("look", oneLine(err))
		return
	}
	fmt.Println("file", sumOf(now), strings.Join(litter, " "))

	if change.creates && now.Content == nil {
		if err := change.make(s); err != nil {
			fmt.Println("again", oneLine(err))
		}
	}
	if err := noteOn(s, "t", "after the fault"); err != nil {
		fmt.Println("next", oneLine(err))
		return
	}
	fmt.Println("recovered")
}

// endOfChange is a name that a child looks for to mark the end of its change among its system
// calls.
const endOfChange = ".end-of-change"

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", " / ") }

// sumOf tells contents apart, and none from an empty one.
func sumOf(f durable.File) string {
	if f.Content == nil {
		return "none"
	}
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE(f.Content))
}

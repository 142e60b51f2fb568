package ticketfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// oldEnough is the age from which a temp file is taken for left over: no program takes an hour to
// rename one.
const oldEnough = time.Hour

var (
	foreignTemp = regexp.MustCompile(`^(.+)\.md[0-9]+$`) // natefinch/atomic's, which tk uses
	ownTemp     = regexp.MustCompile(`^\.(.+)\.md\.tmp$`)
)

// Leftovers are the names of temp files in the folder that killed programs left more than an hour
// ago.
func (f *Folder) Leftovers(now time.Time) ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !isTemp(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && now.Sub(info.ModTime()) > oldEnough {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func isTemp(name string) bool {
	for _, form := range []*regexp.Regexp{foreignTemp, ownTemp} {
		if m := form.FindStringSubmatch(name); m != nil && document.ValidID(m[1]) {
			return true
		}
	}
	return false
}

// RemoveLeftover removes a file that Leftovers named; one of ours under the lock of its ticket, if
// that exists.
func (f *Folder) RemoveLeftover(ctx context.Context, name string) error {
	if !isTemp(name) || name != filepath.Base(name) {
		return Refuse(Invalid, "", "%q is not a temp file", name)
	}
	remove := func() error {
		if err := os.Remove(filepath.Join(f.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if m := ownTemp.FindStringSubmatch(name); m != nil {
		if f.Exists(m[1]) == nil {
			return f.store.WithTicketLock(ctx, filepath.Join(f.dir, m[1]+document.Ext),
				func([]byte) ([]byte, error) { return nil, remove() })
		}
	}
	return remove()
}

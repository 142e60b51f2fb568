package board

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// writeNew makes a file with a text, whole and durable, or fails with fs.ErrExist when there is one: the text is written and
// synced under another name, and a link takes no name that is taken. Whoever may read the folder may read the file.
func writeNew(path, text string) (err error) {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(folder.Mode().Perm() & 0o666)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return durable.SyncPath(filepath.Dir(path))
}

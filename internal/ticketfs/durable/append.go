package durable

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// Append writes text behind the end of the file at path, by one write and without a sync. The file
// is made when it is not there, with the rights of its folder, which must be there. It follows no
// link and waits for no reader of a FIFO.
func Append(path string, text []byte) error {
	const flags = os.O_WRONLY | os.O_APPEND | NoFollow
	// Without O_CREATE first: in a folder with the sticky bit that is refused for files of other
	// users.
	f, err := rawfile.Open(path, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = createAsFolder(path, flags)
		if errors.Is(err, fs.ErrExist) { // by another process, meanwhile
			f, err = rawfile.Open(path, flags, 0)
		}
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	return errors.Join(err, f.Close())
}

package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// NotFound says that there is no board, or that it cannot be told which one is right. Nothing was
// chosen or made.
type NotFound struct {
	Why  string // where was looked, and what is in the way
	Next string // what to do, with the command to type
}

func (e *NotFound) Error() string { return e.Why + "; " + e.Next }

// choose is the next step where a person has to say which board it is.
const choose = "say which board it is: start ticket-mcp with --dir /path/to/" + FolderName +
	", or with --worktree-local for this worktree's own"

// undecided is what stands in the way of knowing which board it is.
func undecided(why string, args ...any) *NotFound {
	return &NotFound{Why: fmt.Sprintf(why, args...), Next: choose}
}

// unseen is a file or folder that must be looked at and cannot. Where the system only has no room
// for a look at the moment, it says nothing of the board.
func unseen(path string, err error) error {
	for _, full := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, full) {
			return fmt.Errorf("look for the board: %w", err)
		}
	}
	return undecided("cannot look at %s: %v", path, cause(err))
}

func ifUndecided(path string, err error) error {
	if err == nil {
		return nil
	}
	return undecided("%s: %v", path, err)
}

// cause is the system's word on an error, without the path that a text names already.
func cause(err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// quote writes a path as a shell reads it.
func quote(path string) string {
	const plain = "/._-+,:@%=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if path != "" && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

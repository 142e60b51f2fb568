package board

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// SharedFile is the file in a ticket folder, committed, that makes the board a shared one: its
// tickets are kept by an engine, and what stands in the folder only shows them.
const SharedFile = ".board"

// MirrorFolder is where in the ticket folder of a shared board its tickets are shown as files.
const MirrorFolder = "mirror"

// MirrorRecord is the file in it that says which state of the board it shows, and by its time when
// that was known to be the last one.
const MirrorRecord = ".revision"

// MirrorEnds is the file in it that is closed when a session has ended somewhere: whoever waits for
// a ticket looks then who is dead. It holds nothing.
const MirrorEnds = ".ended"

// Etcd is the engine that there is.
const Etcd = "etcd"

// sharedFormat is the form of SharedFile that is read and written here.
const sharedFormat = "1"

// Shared is what SharedFile says.
type Shared struct {
	ID     string // of the board, the same in every clone
	Engine string
	Prefix string // what the keys of all boards of the engine lie under: PREFIX/ID/ has this one's
}

// NewShared is a board that is about to be shared.
func NewShared(engine string) Shared {
	const random = 10
	id := make([]byte, random)
	_, _ = rand.Read(id) // which never fails
	name := strings.ToLower(base32.StdEncoding.EncodeToString(id))
	return Shared{ID: name, Engine: engine, Prefix: "/ticket-mcp"}
}

const sharedForm = "# The tickets of this board are kept by %s, for many machines; " + MirrorFolder +
	"/ shows them. See ticket-mcp share --help.\n" +
	"format: " + sharedFormat + "\nid: %s\nengine: %s\nprefix: %s\n"

func (s Shared) String() string {
	return fmt.Sprintf(sharedForm, s.Engine, s.ID, s.Engine, s.Prefix)
}

// BrokenError says that a SharedFile cannot be understood. The board is then neither a local one
// nor one that can be reached.
type BrokenError struct {
	Path string
	Line int // 0 for the file as a whole
	Why  string
	Next string
}

func (e *BrokenError) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Why
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Why)
}

// Unreachable says that a board is shared, or may be, and is not to be used as things stand: two
// modes on one board lose changes.
type Unreachable struct{ Why, Next string }

func (e *Unreachable) Error() string { return e.Why + "; " + e.Next }

// ReadShared reads the SharedFile of the ticket folder dir; nil when nothing is there, which alone
// makes a board local.
func ReadShared(dir string) (*Shared, error) {
	path := filepath.Join(dir, SharedFile)
	const most = 64 << 10
	file, err := durable.ReadFile(path, most)
	if durable.FileFault(err) {
		return nil, &BrokenError{Path: path, Why: err.Error(), Next: restore(path)}
	}
	if err != nil {
		return nil, unseen(path, err)
	}
	if file.Content == nil {
		return nil, nil
	}
	return parseShared(path, file.Content)
}

func restore(path string) string {
	return "bring back the file that was committed: git checkout -- " + quote(path)
}

// Compiled when they are needed: the repeats make large programs, which each start would pay for.
var (
	sharedID = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	})
	sharedPrefix = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(/[A-Za-z0-9._-]{1,64}){1,8}$`)
	})
)

// field is a value of a SharedFile, and where it stands.
type field struct {
	value string
	line  int
}

// parseShared reads the simple YAML that a SharedFile is: one key and its value a line, comments,
// quotes. What it does not know is an error, never left out: it may change where the tickets are.
func parseShared(path string, content []byte) (*Shared, error) {
	wrong := func(line int, why string, args ...any) error {
		return &BrokenError{path, line, fmt.Sprintf(why, args...), restore(path)}
	}
	if !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 {
		return nil, wrong(0, "is no text")
	}
	lines := strings.Split(strings.TrimPrefix(string(content), "\uFEFF"), "\n")
	if err := knownFormat(path, lines); err != nil {
		return nil, err
	}
	fields := make(map[string]field)
	for i, line := range lines {
		n := i + 1
		line = strings.TrimRight(line, "\r \t")
		switch {
		case line == "" || line[0] == '#' || line == "---" && len(fields) == 0:
			continue
		case strings.HasPrefix(line, "<<<<<<<"):
			return nil, wrong(n, "a merge conflict: two boards were shared, or one was unshared")
		}
		key, rest, found := strings.Cut(line, ":")
		if !found || rest != "" && rest[0] != ' ' && rest[0] != '\t' ||
			strings.Trim(key, " \t\"'-?[{") != key {
			return nil, wrong(n, "%.40q is not of the form key: value", line)
		}
		value, err := scalar(strings.Trim(rest, " \t"))
		if err != nil {
			return nil, wrong(n, "%s: %v", key, err)
		}
		if before, twice := fields[key]; twice {
			return nil, wrong(n, "%s stands in line %d already", key, before.line)
		}
		fields[key] = field{value, n}
	}
	return sharedOf(path, fields)
}

// knownFormat refuses a format of later versions, whose other lines may look any way.
func knownFormat(path string, lines []string) error {
	for i, line := range lines {
		rest, found := strings.CutPrefix(line, "format:")
		if !found {
			continue
		}
		if value, err := scalar(strings.TrimSpace(rest)); err == nil && value != sharedFormat {
			return &BrokenError{path, i + 1,
				fmt.Sprintf("format %.20q is not known to this version", value), newer}
		}
	}
	return nil
}

const newer = "install a newer ticket-mcp"

// sharedOf checks what the lines of a SharedFile say.
func sharedOf(path string, fields map[string]field) (*Shared, error) {
	wrong := func(key, why string, args ...any) error {
		return &BrokenError{path, fields[key].line, fmt.Sprintf(why, args...), restore(path)}
	}
	for _, key := range []string{"format", "id", "engine", "prefix"} {
		if _, found := fields[key]; !found {
			return nil, wrong("", "says no %s", key)
		}
	}
	for key := range fields {
		if key != "format" && key != "id" && key != "engine" && key != "prefix" {
			return nil, wrong(key, "unknown key %.40q", key)
		}
	}
	s := Shared{fields["id"].value, fields["engine"].value, fields["prefix"].value}
	switch {
	case !sharedID().MatchString(s.ID):
		return nil, wrong("id", "id %.80q is none: use letters, digits, _ and -, at most 64", s.ID)
	case s.Engine != Etcd:
		return nil, &BrokenError{path, fields["engine"].line,
			fmt.Sprintf("engine %.40q is not known to this version", s.Engine), newer}
	case !sharedPrefix().MatchString(s.Prefix):
		return nil, wrong("prefix", "prefix %.80q is none: use /NAME, or several, without a / at the end", s.Prefix)
	}
	return &s, nil
}

// scalar reads a plain or quoted value, less the comment behind it.
func scalar(text string) (value string, err error) {
	rest := ""
	switch {
	case strings.HasPrefix(text, `"`):
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", errors.New("a quote is not closed")
		}
		rest = text[len(quoted):]
		if value, err = strconv.Unquote(quoted); err != nil {
			return "", errors.New("cannot read what is quoted")
		}
	case strings.HasPrefix(text, "'"):
		var closed bool
		if value, rest, closed = strings.Cut(text[1:], "'"); !closed {
			return "", errors.New("a quote is not closed")
		}
	default:
		value = text
		if at := strings.Index(text, " #"); at >= 0 {
			value = strings.TrimRight(text[:at], " \t")
		}
		if strings.ContainsAny(value[:min(1, len(value))], "&*!|>%@`[]{}#,?-") ||
			strings.Contains(value, ": ") {
			return "", errors.New("only plain and quoted values are read")
		}
	}
	if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
		return "", fmt.Errorf("%.20q stands behind the quote", rest)
	}
	if value == "" {
		return "", errors.New("says nothing")
	}
	return value, nil
}

// WriteShared makes the board in the ticket folder dir a shared one, durably. fs.ErrExist when a
// SharedFile is there.
func WriteShared(dir string, s Shared) error {
	return writeNew(filepath.Join(dir, SharedFile), s.String())
}

// RemoveShared makes the board in the ticket folder dir a local one again, durably.
func RemoveShared(dir string) error {
	if err := remove(filepath.Join(dir, SharedFile)); err != nil {
		return err
	}
	return durable.SyncPath(dir)
}

// Guard is a folder in the place of the lock that every change of several tickets takes. It stops
// programs that know nothing of shared boards, and is committed, so it has a file in it.
const (
	Guard     = ".relations.lock"
	guardFile = "README"
	guardText = "This board is shared: its tickets are not files here. This folder stops versions of ticket-mcp that do not know that.\n"
)

// MakeGuard puts the guard in the place of the lock, which the caller holds or which nobody needs
// any more. A lock file that another process makes meanwhile is a durable.NotFolderError.
func MakeGuard(dir string) error {
	path := filepath.Join(dir, Guard)
	if !isFolder(path) {
		if err := remove(path); err != nil {
			return err
		}
		if err := durable.MakeFolder(path); err != nil {
			return err
		}
	}
	return FillGuard(dir)
}

// FillGuard makes the file of a guard that is there. It makes no guard: fs.ErrNotExist says that
// somebody has removed it.
func FillGuard(dir string) error {
	err := writeNew(filepath.Join(dir, GuardFile), guardText)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncPath(dir)
}

// Guarded reports whether the guard is there.
func Guarded(dir string) bool { return isFolder(filepath.Join(dir, Guard)) }

// GuardFile is the file by which git has the guard.
var GuardFile = filepath.Join(Guard, guardFile)

// RemoveGuard makes place for the lock.
func RemoveGuard(dir string) error {
	path := filepath.Join(dir, Guard)
	if !isFolder(path) {
		return nil
	}
	// A killed process may have left the file under another name: see writeNew.
	files, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), guardFile) {
			if err := remove(filepath.Join(path, file.Name())); err != nil {
				return err
			}
		}
	}
	if err := remove(path); err != nil {
		return err
	}
	return durable.SyncPath(dir)
}

// remove removes what may be gone already.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

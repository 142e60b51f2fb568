package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// patterns are for git: what is of this machine only. None of them could hide a ticket.
var patterns = []string{"*.lock", ".*.tmp", "/.sessions/", "/.journal/"}

const (
	madeByUs = "# made by ticket-mcp"
	// Gitignore is the .gitignore that Hide makes.
	Gitignore = madeByUs +
		": locks, unfinished writes, session marks and the journal are of this machine only, and so is this file\n" +
		"/.gitignore\n*.lock\n.*.tmp\n/.sessions/\n/.journal/\n"
)

// samples are names that the patterns are there for, by which it is tried whether other patterns do
// the same.
var samples = []struct {
	name  string
	isDir bool
}{{"t.md.lock", false}, {".relations.lock", false}, {".t.md.tmp", false}, {".sessions",
	true}, {".journal", true}}

// Hide makes sure that git sees none of the files in the ticket folder dir that are of this machine
// only. Where there is no .gitignore it makes one, which ignores itself: an ignored file is in the
// way of no pull and no switch of branches. Beside another's, which it never changes, it adds what
// is missing to info/exclude of the common git folder; that this may not be possible is no error,
// since git only sees more than it should.
//
// Any number of processes may do this at once: what stands there twice does no harm.
func Hide(dir string) error {
	file := filepath.Join(dir, ".gitignore")
	text := ""
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist),
		err == nil && info.Mode().IsRegular() && info.Size() == 0: // an empty one is of a killed writer
		if err := durable.Append(file, []byte(Gitignore)); err != nil {
			return fmt.Errorf("write .gitignore: %w", err)
		}
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular():
		if text, err = readSmall(file); err != nil {
			text = "" // a git that cannot read it either ignores nothing
		}
	}
	if covers(text) {
		return nil
	}
	_ = exclude(dir, text)
	return nil
}

// HideMirror makes git see nothing of a mirror: its files change with each change on any machine,
// and would stand in the way of every pull.
func HideMirror(mirror string) error {
	err := writeNew(filepath.Join(mirror, ".gitignore"), madeByUs+": a shared board's tickets are not files\n*\n")
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// exclude adds to info/exclude what a .gitignore with this text leaves to be seen.
func exclude(dir, text string) error {
	r, err := repositoryOf(dir)
	if err != nil || r == nil || r.root == "" {
		return err
	}
	below, err := filepath.Rel(r.root, dir)
	if err != nil {
		return err
	}
	info := filepath.Join(r.common, "info")
	if err := durable.MakeFolder(info); err != nil {
		return err
	}
	file := filepath.Join(info, "exclude")
	before, err := readSmall(file)
	if err != nil && !missing(err) {
		return err
	}
	there := strings.Split(before, "\n")
	add := ""
	for _, line := range excludeLines(below, text) {
		if !slices.Contains(there, line) {
			add += line + "\n"
		}
	}
	if add == "" {
		return nil
	}
	if before != "" && !strings.HasSuffix(before, "\n") {
		add = "\n" + add
	}
	return durable.Append(file, []byte(add))
}

// excludeLines are the patterns as they stand in info/exclude, for the board at this place in the
// worktree.
func excludeLines(below, text string) []string {
	// A line break cannot be written there; the mark stands for any one character.
	folder := "/" + strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "\n",
		"?").Replace(filepath.ToSlash(below)) + "/"
	var lines []string
	for _, pattern := range patterns {
		top, anchored := strings.CutPrefix(pattern, "/")
		if !anchored {
			top = "**/" + pattern
		}
		lines = append(lines, folder+top)
	}
	// One that an older version made does not ignore itself.
	if strings.HasPrefix(text, madeByUs) {
		lines = append(lines, folder+".gitignore")
	}
	return lines
}

// covers reports whether a .gitignore with this text does what ours does.
func covers(text string) bool {
	if strings.HasPrefix(text, madeByUs) && !ignores(text, ".gitignore", false) {
		return false
	}
	for _, s := range samples {
		if !ignores(text, s.name, s.isDir) {
			return false
		}
	}
	return true
}

// ignores reports whether a .gitignore ignores a name in its own folder. A pattern that it cannot
// be sure of counts for none.
func ignores(text, name string, isDir bool) bool {
	ignored := false
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		pattern := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		pattern = trimSpaces(pattern)
		if pattern == "" || pattern[0] == '#' {
			continue
		}
		pattern, again := strings.CutPrefix(pattern, "!")
		pattern, folders := strings.CutSuffix(pattern, "/")
		pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "**/"), "/")
		if folders && !isDir || strings.Contains(pattern, "/") || strings.Contains(pattern, "[:") {
			continue
		}
		if matched, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name); matched &&
			err == nil {
			ignored = !again
		}
	}
	return ignored
}

// trimSpaces removes spaces at the end of a pattern, but for one that is escaped.
func trimSpaces(pattern string) string {
	trimmed := strings.TrimRight(pattern, " ")
	if len(trimmed) < len(pattern) && strings.HasSuffix(trimmed, `\`) {
		trimmed += " "
	}
	return trimmed
}

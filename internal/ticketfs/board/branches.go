package board

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// gitPlace is where in a git repository a board is.
type gitPlace struct {
	common string
	gitDir string // of the worktree that has the board
	asking string // of the worktree from which it was asked
	path   string // of the board in its worktree
}

// lookedName is the file in a git folder that keeps how its references stood when no SharedFile was
// in them. It may be removed at any time.
const lookedName = "ticket-mcp-looked"

// sighting is a SharedFile in a branch that is not checked out.
type sighting struct {
	branch string
	shared *Shared // nil where it cannot be read
}

// inBranches looks for the board's SharedFile in HEAD, the default branch and its remote-tracking
// branch, as far as they are here: nothing is fetched. One of a board that was left does not count.
// Git is asked once after each change of these references; what it cannot tell, or where there is
// no git, is as what was never fetched.
func (g *gitPlace) inBranches(p *pin) (*sighting, error) {
	looked := time.Now().UnixNano()
	cache := filepath.Join(g.asking, lookedName)
	before, err := readSmall(cache)
	if err == nil && g.stillAs(before) {
		return nil, nil
	}
	refs, err := g.references()
	if err != nil {
		return nil, err
	}
	state, settled := g.state(refs.files, looked)
	found, told := g.ask(refs.names)
	for _, s := range found {
		if p == nil || !p.left || s.shared == nil || s.shared.ID != p.id {
			return &s, nil
		}
	}
	if told && settled {
		// A cache that cannot be written is one that is not there.
		_ = replaceCache(cache, state)
	}
	return nil, nil
}

// state is what the cache holds: the board's place, and the files that say what the references are,
// each with its stamp. settled reports whether a later change would bear another stamp.
func (g *gitPlace) state(files []string, looked int64) (text string, settled bool) {
	var b strings.Builder
	b.WriteString("# Where no " + SharedFile + " was found; made by ticket-mcp, and of no use to anybody else.\n")
	fmt.Fprintf(&b, "%q\n", g.path)
	settled = true
	for _, file := range files {
		stamp, err := durable.PathStamp(file)
		settled = settled && (missing(err) || err == nil && stamp.Settled(looked))
		fmt.Fprintf(&b, "%q %s\n", file, stampText(stamp, err))
	}
	return b.String(), settled
}

func stampText(s durable.Stamp, err error) string {
	switch {
	case missing(err):
		return "-"
	case err != nil:
		return "?"
	}
	return s.String()
}

// stillAs reports whether the files of a state stand as they stood then.
func (g *gitPlace) stillAs(state string) bool {
	n := 0
	for line := range strings.Lines(state) {
		if line[0] == '#' {
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return false
		}
		file, err := strconv.Unquote(quoted)
		if err != nil {
			return false
		}
		if n++; n == 1 {
			if file != g.path {
				return false
			}
			continue
		}
		stamp := stampText(durable.PathStamp(file))
		if stamp == "?" || line[len(quoted):] != " "+stamp+"\n" {
			return false
		}
	}
	return n > 1
}

// references are what git is asked for, and the files that say where they lead.
type references struct{ names, files []string }

func (r *references) file(path string) {
	if !slices.Contains(r.files, path) {
		r.files = append(r.files, path)
	}
}

func (r *references) name(name string) {
	if name != "" && !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

func (r *references) branch(common, ref string) {
	r.file(filepath.Join(common, filepath.FromSlash(ref)))
	r.name(ref)
}

// references lists HEAD of the worktrees that count, the default branch, and what was last fetched
// of it.
func (g *gitPlace) references() (references, error) {
	var r references
	r.file(g.pinPath())
	r.file(filepath.Join(g.common, "config"))
	r.file(filepath.Join(g.common, "packed-refs"))
	r.file(filepath.Join(g.common, "reftable", "tables.list"))
	for _, dir := range []string{g.gitDir, g.asking, g.common} {
		r.file(filepath.Join(dir, "HEAD"))
		r.file(filepath.Join(dir, "reftable", "tables.list"))
		target := headTarget(dir)
		if strings.HasPrefix(target, "refs/") {
			r.branch(g.common, target)
		} else {
			r.name(target)
		}
	}
	set, err := readConfig(filepath.Join(g.common, "config"))
	if err != nil {
		return r, err
	}
	const usual = "origin"
	names := []string{"main", "master"}
	head := filepath.Join(g.common, "refs", "remotes", usual, "HEAD")
	r.file(head)
	if text, err := readSmall(head); err == nil {
		name, found := strings.CutPrefix(strings.TrimSpace(text), "ref: refs/remotes/"+usual+"/")
		if found {
			names = []string{name}
		}
	}
	for _, name := range names {
		remote := usual
		for _, s := range set {
			if s.section == "branch" && s.subsection == name && s.key == "remote" {
				remote = s.value
			}
		}
		r.branch(g.common, "refs/heads/"+name)
		r.branch(g.common, "refs/remotes/"+remote+"/"+name)
	}
	return r, nil
}

// headTarget is what the HEAD of a git folder names: a reference or a commit. In a reftable
// repository only git can tell.
func headTarget(dir string) string {
	ref, err := readHead(dir)
	switch {
	case err != nil || ref == "":
		return ""
	case ref == "refs/heads/.invalid":
		return "HEAD"
	case ref != "detached":
		return ref
	}
	text, err := readSmall(filepath.Join(dir, "HEAD"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(text)
}

// ask asks git for the board's SharedFile in each of these references. told is false where git
// could not say.
func (g *gitPlace) ask(names []string) (found []sighting, told bool) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	path := filepath.ToSlash(filepath.Join(g.path, SharedFile))
	if strings.Contains(path, "\n") || len(names) == 0 {
		return nil, false
	}
	input := strings.Join(names, ":"+path+"\n") + ":" + path + "\n"
	out, err := askGit(ctx, g.common, input, "--git-dir="+g.gitDir, "cat-file", "--batch-check")
	if err != nil {
		return nil, false
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(names) {
		return nil, false
	}
	for i, line := range lines {
		fields := strings.Fields(line)
		const parts, most = 3, 64 << 10 // object, type, size
		if len(fields) != parts || fields[1] != "blob" {
			continue
		}
		s := sighting{branch: names[i]}
		if size, err := strconv.Atoi(fields[2]); err == nil && size <= most {
			text, err := askGit(ctx, g.common, "", "--git-dir="+g.gitDir, "cat-file", "blob",
				fields[0])
			if err == nil {
				// what cannot be read is a shared board all the same
				s.shared, _ = parseShared(path, []byte(text))
			}
		}
		found = append(found, s)
	}
	return found, true
}

// replaceCache writes a file that readers see whole.
func replaceCache(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Package install tells a client to start this server: it adds one entry to the client's own
// configuration file and changes no other byte of it. It installs nothing else: no hook, no
// AGENTS.md, no CLAUDE.md. What cannot be edited without loss is left alone, and the entry printed
// for the person to paste.
package install

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/diff"
)

// Request is what the command line asks for.
type Request struct {
	Client string // the name of a client
	Scope  string // which of its files; "" for the first that Clients lists
	// the board, or where the server shall begin to look for it; "" for where the client starts it
	Dir           string
	Name          string // of the server in the client
	DryRun, Force bool
}

// Installation is a request that is understood.
type Installation struct {
	host          host
	file          hostFile
	name          string   // of the server in the client
	args          []string // that the client passes to the server
	dryRun, force bool
	paths         paths
}

// serverName leaves room for the longest tool in the 64 characters that clients allow for
// mcp__<server>__<tool>. It is compiled when it is needed, not in each server that starts.
var serverName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
})

// New checks a request. Nothing is written yet; an error is one of use.
func New(r Request) (Installation, error) {
	in := Installation{name: r.Name, dryRun: r.DryRun, force: r.Force}
	var err error
	if in.host, err = hostNamed(r.Client); err != nil {
		return in, err
	}
	if in.file, err = in.host.scoped(r.Scope); err != nil {
		return in, err
	}
	if !serverName().MatchString(in.name) {
		return in, fmt.Errorf("name %q: use letters, digits, - and _, at most 32", in.name)
	}
	if in.paths, err = findPaths(); err != nil {
		return in, err
	}
	in.args, err = in.serverArgs(r.Dir)
	return in, err
}

// serverArgs are the arguments that the client shall start the server with, so that it finds the
// board.
func (in Installation) serverArgs(dir string) ([]string, error) {
	if dir == "" {
		if in.file.needsDir != "" {
			return nil, fmt.Errorf("%s; say which board: --dir FOLDER", in.file.needsDir)
		}
		if in.file.folder != "" {
			return []string{"--dir", in.file.folder}, nil
		}
		return nil, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--dir %s is not a folder", dir)
	}
	if in.file.scope != "project" {
		return []string{"--dir", abs}, nil
	}
	// A project's file is committed and read on other machines: no path of this one may stand in
	// it.
	below, err := filepath.Rel(in.paths.project, abs)
	if err != nil || !filepath.IsLocal(below) {
		return nil, fmt.Errorf("--dir %s is outside the project %s, whose configuration other machines share; use --scope user", dir, in.paths.project)
	}
	below = filepath.ToSlash(below)
	if in.file.folder != "" {
		below = strings.TrimSuffix(in.file.folder+"/"+below, "/.")
	}
	return []string{"--dir", below}, nil
}

// Run brings the client's file up to date, or says why it does not. Two of them at once both find
// their entry there.
func (in Installation) Run(out io.Writer) error {
	path, err := in.file.path(in.paths)
	if err != nil {
		return err
	}
	real, err := resolve(path, in.paths.project, in.file.scope)
	if err != nil {
		return err
	}
	if !in.dryRun {
		unlock, err := openFolder(filepath.Dir(real))
		if err != nil {
			return err
		}
		defer unlock()
	}
	old, err := readConfig(real)
	if err != nil {
		return err
	}
	entry := in.file.entryFor(in.args)
	change, err := in.edit(old.text, entry)
	switch {
	case err != nil:
		fmt.Fprintf(out, "add to %s:\n\n%s\n", path, in.snippet(entry))
		return fmt.Errorf("%s: %w; it is untouched, add the entry yourself", path, err)
	case bytes.Equal(change.text, old.text):
		fmt.Fprintf(out, "nothing to do: %s has the entry %s already\n", path, in.name)
		return nil
	case change.there != "" && !in.force:
		return fmt.Errorf("%s has another entry %s: %s; --force replaces it, --name adds one beside it", path, in.name, change.there)
	case in.dryRun:
		before := path
		if old.info == nil {
			before = os.DevNull
		}
		fmt.Fprintf(out, "%sdry run: nothing was written\n",
			diff.Diff(before, old.text, path, change.text))
		return nil
	}
	if err := old.replace(change.text, in.file.scope); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s\n%s: %s\n", path, in.host.title, in.file.next)
	if _, err := exec.LookPath("ticket-mcp"); err != nil {
		fmt.Fprintln(out, "note: there is no ticket-mcp on the PATH of this shell; the client will not find it either: "+
			"put the folder of the program on the PATH, or its whole path into the entry")
	}
	return nil
}

// fileEdit is a change of a configuration file.
type fileEdit struct {
	text  []byte // the whole file after it; the same bytes when the entry was there
	there string // another entry of our name, which text replaces; "" for none
}

func (in Installation) edit(old []byte, entry string) (fileEdit, error) {
	if in.file.toml() {
		return editTOML(old, in.name, in.args)
	}
	if !in.file.comments && hasComments(old) {
		return fileEdit{}, errors.New("has comments or trailing commas, which " + in.host.title +
			" does not read")
	}
	return editJSON(old, in.keys(), entry)
}

// keys is where the entry stands in a JSON file.
func (in Installation) keys() []string {
	keys := []string{in.file.servers, in.name}
	if in.file.scope == "local" {
		keys = append([]string{"projects", in.paths.project}, keys...)
	}
	return keys
}

// snippet is the entry as a file of its own, for a person to paste.
func (in Installation) snippet(entry string) string {
	if in.file.toml() {
		return tomlTable(in.name, in.args)
	}
	fresh, err := editJSON(nil, in.keys(), entry)
	if err != nil {
		return entry + "\n"
	}
	return string(fresh.text)
}

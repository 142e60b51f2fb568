package ticketfs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// wrongDoors are writers as they should not be, who die at once. The verdict must catch what each
// leaves.
var wrongDoors = map[string]func(path string) error{
	"in place": func(path string) error {
		content := crashContent("t")
		return os.WriteFile(path, content[:len(content)/2], 0o666) // as if killed amid the write
	},
	"answered early": func(string) error {
		fmt.Println("answered")
		return nil
	},
	"random temp": func(path string) error {
		_, err := os.CreateTemp(filepath.Dir(path), ".t.md.*.tmp")
		return err
	},
}

// stepChild makes a change, says each step, and dies at one of them; "" for none.
func stepChild(path, change, at string) {
	durable.Step = func(name string) {
		fmt.Println("step", name)
		if name == at {
			dieHere()
		}
	}
	var err error
	if wrong := wrongDoors[change]; wrong != nil {
		if err = wrong(path); err == nil {
			dieHere()
		}
	} else {
		err = crashChanges[change].make(storeAt(path))
	}
	if err != nil {
		fmt.Println("error", strconv.Quote(err.Error()))
		return
	}
	fmt.Println("answered")
}

// crashAt lets a child make a change and die at a step; "" for none.
func crashAt(t *testing.T, change, path, at string) (steps []string, answered bool) {
	t.Helper()
	out, err := crashChild(path, "step", "CRASH_CHANGE="+change, "CRASH_STEP="+at).Output()
	if (err == nil) != (at == "") {
		t.Errorf("%s, to die at %q: the child ended with %v", change, at, err)
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, found := strings.CutPrefix(line, "step "); found {
			steps = append(steps, name)
		}
		if text, found := strings.CutPrefix(line, "error "); found {
			t.Errorf("%s, to die at %q: %s", change, at, text)
		}
		answered = answered || line == "answered"
	}
	return steps, answered
}

// visibleFrom is the step from which on the new ticket must be seen; before it, the old one must.
const visibleFrom = "renamed"

// Killed at any step of the door, a writer leaves the ticket whole, no lock, and nothing that the
// next one stumbles over.
func TestCrashAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step")
	}
	t.Parallel()
	reached := make(map[string]bool)
	for _, name := range []string{"edit", "change", "create"} {
		change := crashChanges[name]
		for _, tk := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tk %v", name, tk), func(t *testing.T) {
				path := crashBoard(t, change.creates, tk)
				steps, answered := crashAt(t, name, path, "")
				after, err := readTicketFile(path)
				if err != nil || !answered {
					t.Fatalf("undisturbed: answered %v, %v", answered, err)
				}
				if !slices.Contains(steps, visibleFrom) {
					t.Fatalf("no step %q among %q", visibleFrom, steps)
				}
				for i, at := range steps {
					reached[at] = true
					path := crashBoard(t, change.creates, tk)
					old, err := readTicketFile(path)
					if err != nil {
						t.Fatal(err)
					}
					_, answered := crashAt(t, name, path, at)
					want := old.Content
					if i >= slices.Index(steps, visibleFrom) {
						want = after.Content
					}
					if err := afterDeath(path, want, want, answered); err != nil {
						t.Errorf("died at %q: %v", at, err)
					}
				}
			})
		}
	}
	if all := stepsInSource(t); !slices.Equal(all, slices.Sorted(maps.Keys(reached))) {
		t.Errorf("the source has the steps %q, of which the changes here reach only %q", all,
			slices.Sorted(maps.Keys(reached)))
	}
}

// stepsInSource finds the calls of step.
func stepsInSource(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("durable/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, below...)
	names := make(map[string]bool)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			named := call.Fun
			if f, ok := named.(*ast.SelectorExpr); ok {
				named = f.Sel
			}
			if f, ok := named.(*ast.Ident); ok && f.Name == "Step" {
				text, ok := call.Args[0].(*ast.BasicLit)
				if !ok {
					t.Fatalf("%s: a step whose name is not a literal", name)
				}
				value, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				names[value] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// The verdict is worth something only if it finds what wrong writers leave.
func TestCrashVerdictCatches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	catches := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the verdict is %v, want %q", err, want)
		}
	}
	for door, want := range map[string]string{"in place": "neither the old nor the new",
		"answered early": "is not there", "random temp": "left in the folder"} {
		path := crashBoard(t, false, false)
		old := []byte(textOf(t, path))
		_, answered := crashAt(t, door, path, "itself")
		catches(afterDeath(path, old, append(slices.Clone(old), "new\n"...), answered), want)
	}
	path := crashBoard(t, false, false)
	var others flocker.Locks
	held, err := others.Acquire(t.Context(), path+lockExt)
	if err != nil {
		t.Fatal(err)
	}
	err = nextWriter(path)
	catches(err, "t.md.lock is held")
	catches(err, "the next writer: busy")
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
}

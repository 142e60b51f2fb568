package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ticket-mcp/ticket-mcp/"

// arrows are the packages of ours that each package may import, less those that only tests import.
var arrows = map[string][]string{
	"cmd/ticket-mcp": {"internal/etcd", "internal/client", "internal/demo", "internal/importer", "internal/install",
		"internal/page", "internal/race", "internal/stdio", "internal/terminal", "internal/tools",
		"internal/ticketfs", "internal/ticketfs/board", "internal/ticketfs/document", "internal/ticketfs/session", "schemas"},
	"cmd/ticket-bench": {"internal/bench"},
	"internal/bench": {"internal/client", "internal/terminal", "internal/tools",
		"internal/ticketfs", "internal/ticketfs/board", "internal/ticketfs/document", "internal/ticketfs/session"},
	"internal/client": {"internal/stdio"},
	"internal/etcd": {"internal/flocker", "internal/journal", "internal/ticketfs",
		"internal/ticketfs/board", "internal/ticketfs/document", "internal/ticketfs/durable",
		"internal/ticketfs/session"},
	"internal/etcd/cluster":  {}, // a module of its own: a server for tests
	"internal/etcd/etcdtest": {"internal/servertest"},
	"internal/importer":      {"internal/ticketfs/document"},
	"internal/install":       {},
	"internal/journal":       {"internal/flocker", "internal/ticketfs/durable"},
	"internal/demo": {"internal/client", "internal/journal", "internal/page", "internal/terminal",
		"internal/tools", "internal/ticketfs",
		"internal/ticketfs/board", "internal/ticketfs/document", "internal/ticketfs/session"},
	"internal/page": {"internal/journal", "internal/report", "internal/terminal",
		"internal/tools", "internal/ticketfs/document", "internal/ticketfs/session"},
	"internal/race": {"internal/client", "internal/journal", "internal/terminal", "internal/ticketfs",
		"internal/ticketfs/board", "internal/ticketfs/document"},
	"internal/servertest": {"internal/client", "internal/stdio"},
	"internal/stdio":      {"internal/task"},
	"internal/task":       {},
	"internal/terminal":   {},
	"internal/report":     {"internal/journal"},
	"internal/tools": {"internal/importer", "internal/journal", "internal/report",
		"internal/task", "internal/ticketfs", "internal/ticketfs/board", "internal/ticketfs/document",
		"internal/ticketfs/session", "schemas"},
	"internal/ticketfs": {"internal/flocker", "internal/journal", "internal/ticketfs/board",
		"internal/ticketfs/document",
		"internal/ticketfs/durable", "internal/ticketfs/index", "internal/ticketfs/session"},
	"internal/ticketfs/enginetest": {"internal/journal", "internal/ticketfs",
		"internal/ticketfs/document", "internal/ticketfs/session"},
	"internal/ticketfs/index": {"internal/journal", "internal/ticketfs/document",
		"internal/ticketfs/durable"},
	"internal/ticketfs/session":  {"internal/flocker", "internal/ticketfs/durable"},
	"internal/ticketfs/board":    {"internal/ticketfs/durable"},
	"internal/ticketfs/document": {},
	"internal/ticketfs/durable":  {"internal/rawfile"},
	"internal/flocker":           {"internal/rawfile"},
	"internal/rawfile":           {},
	"internal/longtest":          {},
	"internal/spec":              {},
	"schemas":                    {},
}

// owners are the packages that alone may import a library.
var owners = map[string][]string{
	"github.com/mark3labs/mcp-go": {"internal/stdio", "internal/tools"},
	"github.com/gofrs/flock":      {"internal/flocker"},
	"github.com/natefinch/atomic": {"internal/ticketfs/durable"},
	"gopkg.in/yaml.v3":            {"internal/ticketfs/document"},
	"go.etcd.io":                  {"internal/etcd", "internal/etcd/cluster", "internal/etcd/etcdtest"},
}

// writers are the functions of package os that change files. Only ticketfs calls them: there is one
// door.
var writers = []string{"WriteFile", "Create", "CreateTemp", "OpenFile", "Rename", "Remove",
	"RemoveAll", "Link", "Symlink", "Mkdir", "MkdirAll", "MkdirTemp", "Truncate", "Chmod", "Chtimes", "Chown"}

// exempt are the files that write outside the tickets, with the reason.
var exempt = map[string]string{
	"cmd/ticket-mcp/edit.go":            "writes a copy of a ticket for a person's editor, in the temporary folder",
	"internal/etcd/etcdtest/program.go": "keeps etcd for tests in the user's cache",
	"internal/etcd/files.go":            "writes a mirror, which shows tickets that a cluster keeps",
	"internal/install/write.go":         "writes a client's configuration file, which is no ticket",
	"internal/rawfile/file_other.go":    "opens files for ticketfs and flocker, which alone may import it",
	"internal/bench/disk.go":            "makes and removes scratch boards of its own, and times the bare system calls of a change there",
	"internal/servertest/wire.go":       "makes boards for tests",
	"internal/servertest/program.go":    "keeps broken programs for tests in the user's cache",
	"internal/servertest/version.go":    "keeps programs of former commits for tests in the user's cache",
	"internal/demo/scratch.go":          "makes and removes a scratch board of its own",
	"internal/page/save.go":             "writes a page where a person asked for one, and a file that leads the browser to the live one",
	"internal/race/scratch.go":          "makes and removes a scratch board of its own",
}

// TestHouse checks the rules of the house that a compiler does not: which package may import what,
// and that files are written in one place.
func TestHouse(t *testing.T) {
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" ||
			strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files++
			checkFile(t, root, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files were looked at", files)
	}
}

func checkFile(t *testing.T, root, path string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if path, err = filepath.Rel(root, path); err != nil {
		t.Fatal(err)
	}
	path = filepath.ToSlash(path)
	pkg := filepath.ToSlash(filepath.Dir(path))
	allowed, known := arrows[pkg]
	if !known {
		t.Errorf("%s: a package that the house does not know", path)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if ours, found := strings.CutPrefix(imported, module); found &&
			!slices.Contains(allowed, ours) {
			t.Errorf("%s: imports %s, against the arrows", path, ours)
		}
		for library, packages := range owners {
			if (imported == library || strings.HasPrefix(imported, library+"/")) &&
				!slices.Contains(packages, pkg) {
				t.Errorf("%s: imports %s, which is for %s", path, imported,
					strings.Join(packages, ", "))
			}
		}
	}
	if strings.HasPrefix(pkg, "internal/ticketfs") || exempt[path] != "" {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" &&
				slices.Contains(writers, sel.Sel.Name) {
				t.Errorf("%s: calls os.%s; only internal/ticketfs writes files",
					set.Position(sel.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
}

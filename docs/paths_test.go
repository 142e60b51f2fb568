package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A document names a path as code or as a link.
var (
	code = regexp.MustCompile("`((?:\\./)?\\.?[a-z]+/[A-Za-z0-9_./*<>{},-]*|[A-Z_]+\\.md|go\\.mod)`")
	link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// ours are the folders at the top; a name that begins otherwise is somebody else's. So are the
// files of a user's repository.
var (
	ours   = []string{"cmd/", "internal/", "schemas/", "docs/", "packaging/", ".ci/", ".github/"}
	theirs = []string{"AGENTS.md", "CLAUDE.md"}
)

// pathsIn are the paths of this repository that a document names, from its root.
func pathsIn(document, text string) (found []string) {
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		found = append(found, filepath.ToSlash(filepath.Join(filepath.Dir(document), m[1])))
	}
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		path := strings.TrimPrefix(m[1], "./")
		inOurs := func(top string) bool { return strings.HasPrefix(path, top) }
		if slices.ContainsFunc(ours, inOurs) || !strings.Contains(path, "/") &&
			!slices.Contains(theirs, path) {
			found = append(found, path)
		}
	}
	return found
}

// missing are the paths of which nothing is there. A <placeholder> and a {choice,of,several} stand
// for any file that fits.
func missing(t *testing.T, paths []string) (none []string) {
	t.Helper()
	placeholder := regexp.MustCompile(`<[a-z]+>`)
	for _, path := range paths {
		for _, one := range alternatives(path) {
			matches, err := filepath.Glob(filepath.Join("..",
				placeholder.ReplaceAllString(one, "*")))
			if err != nil {
				t.Fatal(err)
			}
			if len(matches) == 0 {
				none = append(none, one)
			}
		}
	}
	return none
}

func alternatives(path string) []string {
	before, rest, found := strings.Cut(path, "{")
	list, after, closed := strings.Cut(rest, "}")
	if !found || !closed {
		return []string{path}
	}
	var all []string
	for one := range strings.SplitSeq(list, ",") {
		all = append(all, before+one+after)
	}
	return all
}

// TestPathsExist: every path that README, CONTRIBUTING and the documents name is there.
func TestPathsExist(t *testing.T) {
	documents := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging/README.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range more {
			documents = append(documents, "docs/"+filepath.ToSlash(name))
		}
	}
	checked := map[string]int{}
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join("..", document))
		if err != nil {
			t.Fatal(err)
		}
		paths := pathsIn(document, string(text))
		checked[document] = len(paths)
		for _, path := range missing(t, paths) {
			t.Errorf("%s names %s, which is not there", document, path)
		}
	}
	if checked["README.md"] < 15 || checked["CONTRIBUTING.md"] < 30 {
		t.Errorf("paths were not found: %v", checked)
	}
}

// TestMissingPathsAreFound shows the checker what it must find, and what is none of its business.
func TestMissingPathsAreFound(t *testing.T) {
	text := "`internal/none.go`, [x](none.md#part), `schemas/<none>.txt`, `NONE.md`, `docs/{format,none}.md`; " +
		"not `.tickets/<id>.md`, `AGENTS.md`, [a site](https://example.org/x), `schemas/<tool>.json`, `backlog/tasks`"
	want := []string{"docs/none.md", "internal/none.go", "schemas/<none>.txt", "NONE.md",
		"docs/none.md"}
	if got := missing(t, pathsIn("docs/format.md", text)); !slices.Equal(got, want) {
		t.Errorf("missing are %q, want %q", got, want)
	}
}

// TestQuestions: each of the answers in CONTRIBUTING names a file, and what to look for is declared
// in it.
func TestQuestions(t *testing.T) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| [^|]+\\? \\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("only %d questions found", len(rows))
	}
	for _, row := range rows {
		path, name := row[1], row[2]
		source, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Error(err)
			continue
		}
		if !regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )` + name + `\b`).Match(source) {
			t.Errorf("%s declares no %s", path, name)
		}
	}
}

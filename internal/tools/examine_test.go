package tools_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestFindingsAreDocumented: docs/doctor.md has a row for each kind of finding, and for no other.
func TestFindingsAreDocumented(t *testing.T) {
	source, err := os.ReadFile("examine.go")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := first(regexp.MustCompile(`(?m)^\t\w+ += "([a-z_]+)"$`), source)
	rows := first(regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|"), document)
	if len(kinds) < 10 || !slices.Equal(kinds, rows) {
		t.Errorf("docs/doctor.md has rows for %v, the kinds of findings are %v", rows, kinds)
	}
}

// first are what the group of a pattern matches, sorted.
func first(pattern *regexp.Regexp, text []byte) (found []string) {
	for _, m := range pattern.FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	slices.Sort(found)
	return found
}

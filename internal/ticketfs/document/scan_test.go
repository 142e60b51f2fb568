package document

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// canonical is what this program writes; every line is in one of the seeds.
const canonical = "---\nschema_version: 1\nid: t\nstatus: in_progress\nclaimed-by: planner@5f3a9c21d0e4\nclaimed-at: 2026-01-04T05:30:01Z\n" +
	"blocked-by: [d5cyp4r, a.b]\ncreated: 2026-01-04T05:22:09Z\ntype: feature\npriority: 1\nassignee: Ada Lovelace\nparent: d5cz1ng\n---\n# Title\n\nBody\n"

// agree fails unless what scan takes is what Parse gives, and what is of the canonical form to
// Parse is that to YAML.
func agree(t *testing.T, content []byte) (scanned bool) {
	t.Helper()
	agreeOnNodes(t, content)
	got, ok := Scan("t", content)
	if !ok {
		return false
	}
	d, err := Parse("t", content)
	if err != nil {
		t.Fatalf("scan takes what Parse refuses: %v\n%s", err, content)
	}
	if diff := cmp.Diff(d.Ticket(), got); diff != "" {
		t.Fatalf("scan and Parse differ (-parse +scan):\n%s\n%s", diff, content)
	}
	return true
}

// agreeOnNodes fails unless front matter and values of the canonical form are to YAML what they are
// to us. It makes none of the checks that Parse makes before: content that would not pass them is
// the harder test.
func agreeOnNodes(t *testing.T, content []byte) {
	t.Helper()
	source := string(content)
	if i := strings.Index(source, "\n---\n"); i >= 0 {
		source = source[:i+1]
	}
	for line := range strings.Lines(source) {
		_, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if tag := canonicalTag(value); tag != "" {
			agreeOnNode(t, "---\nk: "+value+"\n",
				&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 2, Column: 1,
					Content: []*yaml.Node{
						{Kind: yaml.ScalarNode, Tag: "!!str", Value: "k", Line: 2, Column: 1},
						{Kind: yaml.ScalarNode, Tag: tag, Value: value, Line: 2, Column: 4},
					}})
		}
	}
	if got, ok := canonicalMapping(source); ok {
		agreeOnNode(t, source, got)
	}
}

func agreeOnNode(t *testing.T, source string, got *yaml.Node) {
	t.Helper()
	doc, err := decodeYAML(source)
	if err != nil || len(doc.Content) != 1 {
		t.Fatalf("YAML refuses it: %v\n%s", err, source)
	}
	if diff := cmp.Diff(doc.Content[0], got); diff != "" {
		t.Fatalf("nodes differ (-yaml +canonical):\n%s\n%s", diff, source)
	}
}

func TestScanTakesCanonicalForm(t *testing.T) {
	for _, content := range []string{
		canonical,
		"---\nstatus: open\n---\n",
		strings.Replace(wedow, "nw-5c46", "t", 1),
		"---\nstatus: open\ntitle: One\n---\ntext\n",
		"---\nstatus: open\nassignee: [a]\ntype: story\ncreated: 2026-01-04\nclosed: soon\nunknown: x\nmore: [a, b]\ndeps: [a]\nblocked-by: [b, a]\n---\n",
		"---\nid: t\nstatus: closed\nclosed: 2026-01-04T05:30:01Z\nclose-reason: done at last\nblocked-by: []\n---\n```\n# no title\n```\n# a title\n",
	} {
		if !agree(t, []byte(content)) {
			t.Errorf("not taken:\n%s", content)
		}
		front, _, _ := strings.Cut(content, "\n---\n")
		if _, ok := canonicalMapping(front + "\n"); !ok {
			t.Errorf("read by YAML:\n%s", content)
		}
	}
}

// TestScanLeavesTheRest: forms that only YAML can tell are left to it, and none is read otherwise
// than YAML reads it.
func TestScanLeavesTheRest(t *testing.T) {
	for _, line := range []string{
		"parent: null", "parent: ~", "parent:", "assignee: a: b", "assignee: a #b", "assignee: 'a'", "deps: a", "assignee: &a b",
		"assignee: a\t", "assignee:  a", "parent: \"a\"", "blocked-by: [a, null]", "blocked-by: [a,b]", "blocked-by: [a, [b]]", "blocked-by:\n- a",
		"status: closed", "x: a\nx: b", "epic: a", "priority: 5", "priority: 01", "id: other", "priority: [1]", "deps: [a b]",
		"assignee: |\n  a", "assignee: a\n  b", "assignee: é", "schema_version: 2", "? parent", "assignee: a:", "assignee: a\r",
	} {
		content := []byte("---\nstatus: open\n" + line + "\n---\n")
		if agree(t, content) {
			t.Errorf("taken: %q", line)
		}
	}
}

// scalars are values that YAML takes for what they do not look like, or only some of which it takes
// for text.
var scalars = []string{"0", "7", "01", "09", "42", "1_000", "0x1f", "0o7", "0b1", "1e3", "1.5",
	"5cz", "12:30", "2026-01-04", "2026-02-30T05:22:09Z",
	"2026-01-04T05:22:09Z", "yes", "off", "y", "True", "FALSE", "Null", "a  b", "a - b", "a:b", "a/b@c", "ab-1234", "99999999999999999", "999999999999999999999"}

func FuzzScan(f *testing.F) {
	f.Add([]byte(canonical))
	for _, value := range scalars {
		f.Add([]byte("---\nstatus: open\nassignee: " + value + "\ntags: [" + value + ", b]\n---\n"))
	}
	// no key to YAML
	f.Add([]byte("---\nstatus: open\n" + strings.Repeat("k", 1100) + ": v\n---\n"))
	for _, line := range strings.SplitAfter(canonical+wedow, "\n") {
		f.Add([]byte("---\nstatus: open\n" + line + "---\n"))
	}
	f.Fuzz(func(t *testing.T, content []byte) { agree(t, content) })
}

func TestScanAgreesOnRealTickets(t *testing.T) {
	files, err := filepath.Glob("../../../../shared/corpus/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the collection of real tickets is not here")
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		id := IDOf(filepath.Base(path))
		got, ok := Scan(id, content)
		d, err := Parse(id, content)
		if !ok || err != nil {
			t.Errorf("%s: scan takes it: %v, Parse: %v", id, ok, err)
			continue
		}
		if diff := cmp.Diff(d.Ticket(), got); diff != "" {
			t.Errorf("%s (-parse +scan):\n%s", id, diff)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	content := []byte(canonical + strings.Repeat("Some text of a ticket's body.\n", 60))
	for _, way := range []struct {
		name string
		read func() error
	}{
		{"scan", func() error {
			if _, ok := Scan("t", content); !ok {
				return fmt.Errorf("not taken")
			}
			return nil
		}},
		{"parse", func() error { _, err := Parse("t", content); return err }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := way.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCanonicalMoment compares it with time.Parse, on times and on what is nearly one.
func TestCanonicalMoment(t *testing.T) {
	const alike = "0123456789-:TZ .,"
	for _, text := range []string{"2026-01-04T05:22:09Z", "2024-02-29T23:59:59Z",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-28T00:00:60Z"} {
		for i := range text {
			for _, c := range alike {
				changed := text[:i] + string(c) + text[i+1:]
				want, err := time.Parse(canonicalTime, changed)
				wanted := err == nil && rfc3339.MatchString(changed)
				if got, ok := canonicalMoment(changed); ok != wanted || ok && !got.Equal(want) {
					t.Errorf("%s: %v, %v; want %v, %v", changed, got, ok, want, err)
				}
			}
		}
	}
}

package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// lifecycle does what a session does to a ticket, and undoes it.
func lifecycle(d *Document) (*Document, error) {
	const at = "2026-01-04T05:30:01Z"
	steps := [][]Edit{
		{Set("status", "in_progress"), Set("claimed-by", "planner@5f3a9c21d0e4"),
			Set("claimed-at", at)},
		{AddItem("blocked-by", "other")},
		{RemoveItem("blocked-by", "other")},
		{Set("status", "closed"), Remove("claimed-by"), Remove("claimed-at"), Set("closed", at),
			Set("close-reason", "done: \"all\"")},
		{Set("status", "open"), Remove("closed"), Remove("close-reason")},
	}
	if f, ok := d.field("blocked-by"); !ok || isNull(f.value) {
		steps = append(steps[:1], steps[3:]...) // the list stays, as []
	}
	for _, step := range steps {
		var err error
		if d, err = d.Apply(step...); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// leavesTrace reports whether the lifecycle cannot restore a file: it removes what was there from
// the start, and writes an empty list, or a status of several lines, in the usual way.
func leavesTrace(d *Document) bool {
	for _, key := range []string{"claimed-by", "claimed-at", "closed", "close-reason"} {
		if _, present := d.field(key); present {
			return true
		}
	}
	status, _ := d.field("status")
	if status.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 ||
		d.ticket.Status != StatusOpen {
		return true
	}
	f, ok := d.field("blocked-by")
	return ok && len(f.value.Content) == 0 && !isNull(f.value) &&
		d.text[d.offset(f.value):d.end(f.value, 0, f.stop)] != "[]"
}

func TestLifecycleRestoresBytes(t *testing.T) {
	for name, content := range nasty {
		d := mustParse(t, "", content)
		if leavesTrace(d) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got, err := lifecycle(d)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content, string(got.Bytes())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLifecycleRestoresRandomBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := "---\n" + drawFront(t) + "---\n# T\n"
		d, err := Parse("", []byte(content))
		if err != nil || leavesTrace(d) {
			t.Skip()
		}
		if got, err := lifecycle(d); err != nil || got.text != content {
			t.Errorf("%v\n%q\n%q", err, content, got.text)
		}
	})
}

// TestRealTickets reads and edits the tickets of a folder beside the repository, for whoever has
// one.
func TestRealTickets(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/corpus/*.md")
	if len(files) == 0 {
		t.Skip("no folder of real tickets beside the repository")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := mustParse(t, strings.TrimSuffix(filepath.Base(file), ".md"), string(content))
			if diff := cmp.Diff(string(content), string(d.Bytes())); diff != "" {
				t.Error(diff)
			}
			reopened, err := d.Apply(Set("status", "open"), Remove("closed"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := lifecycle(reopened)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(reopened.Bytes()), string(got.Bytes())); diff != "" {
				t.Error(diff)
			}
			if closed, ok := d.Field("closed"); ok {
				if got, err = got.Apply(Set("status", "closed"),
					Set("closed", closed)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(content), string(got.Bytes())); diff != "" {
					t.Error(diff)
				}
			}
			noted, err := d.Apply(AppendNote("first\nsecond"), SetTitle("Other"),
				SetSection("Design", "```\n## x\n```"))
			if err != nil {
				t.Fatal(err)
			}
			if noted.FrontMatter() != d.FrontMatter() || noted.Ticket().Title != "Other" {
				t.Errorf("%s", noted.Bytes())
			}
		})
	}
}

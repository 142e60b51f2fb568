package document

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestForeign(t *testing.T) {
	for name, test := range map[string]struct {
		content, fields, body string
		fault                 string
	}{
		"all forms": {
			content: "---\nid: BACK-1\ntitle: 'it''s: done'\nassignee:\n  - '@ada'\nlabels: []\nordinal: 1000\n" +
				"nested: {a: [1, 2.5, yes, ~], b: 0x10}\nempty:\ncreated_date: 2025-06-09\nflag: true\n---\n\n## Description\n",
			fields: `{"id":"BACK-1","title":"it's: done","assignee":["@ada"],"labels":[],"ordinal":1000,
				"nested":{"a":[1,2.5,"yes",null],"b":"0x10"},"empty":null,"created_date":"2025-06-09","flag":true}`,
			body: "\n## Description\n",
		},
		"no front matter": {content: "# A plain file\n", fault: "1:1"},
		"a key twice":     {content: "---\na: 1\na: 2\n---\n", fault: "already in line 2"},
		"an alias bomb":   {content: "---\na: &x [1]\nb: [*x, *x]\n---\n", fault: "anchors"},
		"not UTF-8":       {content: "---\na: \xff\n---\n", fault: "invalid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			fields, body, err := Foreign([]byte(test.content))
			if test.fault != "" {
				var m *Malformed
				if !errors.As(err, &m) || !strings.Contains(err.Error(), test.fault) {
					t.Fatalf("the error is %v, want %q", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			var is, want any
			if err := errors.Join(json.Unmarshal(got, &is),
				json.Unmarshal([]byte(test.fields), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, is); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if body != test.body {
				t.Errorf("the body is %q, want %q", body, test.body)
			}
		})
	}
}

func TestJoinBody(t *testing.T) {
	got := JoinBody("first\n\n```sh\nnever closed\n",
		[]Section{{Heading: "Design", Text: "\n as is \n"}, {Heading: "Empty", Text: " \n"},
			{"Notes", "- one", true}})
	want := "first\n\n```sh\nnever closed\n```\n\n## Design\n\n as is\n\n## Notes\n- one"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSplitBody(t *testing.T) {
	for _, test := range []struct {
		body, title, description string
		sections                 []Section
	}{
		{"", "", "", nil},
		{"# T\n", "T", "", nil},
		{"# T\r\n\r\none\r\ntwo\r\n\r\n## A\r\n\r\nx\r\n## B\r\n", "T", "one\ntwo",
			[]Section{{Heading: "A", Text: "x"}, {Heading: "B"}}},
		{"before\n\n# T\n\nbehind\n", "T", "before\n\nbehind", nil},
		{"no title\n\n## A\nx\n# Late\ny\n", "Late", "no title",
			[]Section{{"A", "x\n# Late\ny", true}}},
		{"# T\n\n```\n## no section\n```\n\n# Another\n", "T",
			"```\n## no section\n```\n\n# Another", nil},
	} {
		title, description, sections := SplitBody(test.body)
		if title != test.title || description != test.description ||
			!cmp.Equal(sections, test.sections, cmpopts.EquateEmpty()) {
			t.Errorf("%q: %q, %q, %+v", test.body, title, description, sections)
		}
	}
}

// TestSplitJoin: what JoinBody puts together, SplitBody takes apart.
func TestSplitJoin(t *testing.T) {
	text := rapid.StringMatching(`([a-z]{1,5}( \*[a-z]+\*)?\n){0,3}[a-z]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		description := text.Draw(t, "description")
		sections := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Section {
			return Section{rapid.StringMatching(`[A-Z][a-z]{0,5}`).Draw(t, "heading"),
				text.Draw(t, "text"), rapid.Bool().Draw(t, "tight")}
		})).Draw(t, "sections")
		_, gotDescription, gotSections := SplitBody("# T\n\n" + JoinBody(description, sections) +
			"\n")
		if gotDescription != description || !cmp.Equal(gotSections, sections,
			cmpopts.EquateEmpty()) {
			t.Fatalf("%q, %+v", gotDescription, gotSections)
		}
	})
}

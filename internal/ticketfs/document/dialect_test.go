package document

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wedow is a file as wedow's ticket program writes it.
const wedow = "---\nid: nw-5c46\nstatus: open\ndeps: [nw-5c45, nw-5c44]\nlinks: [nw-1a2b]\ncreated: 2026-01-04T05:22:09Z\ntype: feature\npriority: 0\n" +
	"assignee: Ada Lovelace\nexternal-ref: gh-12\nparent: nw-0001\ntags: [api, ui]\n---\n# Title\n\nText.\n"

func TestDialect(t *testing.T) {
	want := Ticket{ID: "nw-5c46", Status: StatusOpen,
		BlockedBy: []Blocker{{ID: "nw-5c45"}, {ID: "nw-5c44"}}, BlockerKey: KeyDeps,
		Links: []string{"nw-1a2b"}, Created: time.Date(2026, 1, 4, 5, 22, 9, 0,
			time.UTC), Type: "feature", Priority: 0,
		Assignee: "Ada Lovelace", ExternalRef: "gh-12", Parent: "nw-0001", Tags: []string{"api",
			"ui"}, Title: "Title"}
	if diff := cmp.Diff(want, mustParse(t, "nw-5c46", wedow).Ticket()); diff != "" {
		t.Error(diff)
	}
}

func TestBlockersOfBothKeys(t *testing.T) {
	for _, tt := range []struct{ front, ids, key string }{
		{"", "", ""},
		{"deps: []\n", "", KeyDeps},
		{"deps:\n", "", KeyDeps},
		{"blocked-by: ~\n", "", KeyBlockedBy},
		{"deps: [a, b]\n", "a b", KeyDeps},
		{"deps: [a, b]\nblocked-by: [c, a]\n", "a b c", KeyBlockedBy},
		{"blocked-by:\n- id: c\n  reason: r\n- a\ndeps:\n  - a\n  - {id: d}\n", "c a d",
			KeyBlockedBy},
		{"deps: [a, a]\n", "a a", KeyDeps},
	} {
		d := mustParse(t, "", "---\nstatus: open\n"+tt.front+"---\n")
		var ids []string
		for _, b := range d.Ticket().BlockedBy {
			ids = append(ids, b.ID)
		}
		if got := strings.Join(ids, " "); got != tt.ids || d.Ticket().BlockerKey != tt.key {
			t.Errorf("%q: blocked by %q, key %q", tt.front, got, d.Ticket().BlockerKey)
		}
		for _, board := range []string{"", KeyDeps, KeyBlockedBy} {
			want := tt.key
			if want == "" {
				want = board
			}
			if want == "" {
				want = KeyBlockedBy
			}
			got, err := d.Apply(d.AddBlocker("z", board))
			if err != nil {
				t.Fatal(err)
			}
			if list := got.List(want); !slices.Contains(list, "z") ||
				!got.Ticket().BlockedByID("z") {
				t.Errorf("%q with board %q: %s is %q", tt.front, board, want, list)
			}
		}
		for _, id := range ids {
			got, err := d.Apply(d.RemoveBlocker(id)...)
			if err != nil || got.Ticket().BlockedByID(id) ||
				len(got.Ticket().BlockedBy) >= len(d.Ticket().BlockedBy) {
				t.Errorf("%q without %s: %v, %v", tt.front, id, err, got.Ticket().BlockedBy)
			}
		}
	}
}

// TestStrict: what a rule rests on is never read as a default, in either dialect.
func TestStrict(t *testing.T) {
	for front, want := range map[string]string{
		"deps: a\n":             "3:7: deps must be a list of ids",
		"deps: [a b]\n":         "3:8: an item of deps is no ticket id",
		"deps: [{ib: a}]\n":     "3:8: an item of deps that is a mapping must have an id",
		"deps: ['']\n":          "3:8: an item of deps is no ticket id",
		"deps:\n  a: b\n":       "4:3: deps must be a list",
		"priority: -1\n":        "3:11: priority must be",
		"priority: P1\n":        "3:11: priority must be",
		"priority: [1]\n":       "3:11: priority must be a single value, not a list",
		"parent: [a]\n":         "3:9: parent must be a single value, not a list",
		"parent: '#a'\n":        "3:9: parent is no ticket id",
		"schema_version: two\n": "3:17: schema_version must be 1",
	} {
		if _, err := Parse("", []byte("---\nstatus: open\n"+front+"---\n")); err == nil ||
			!strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", front, err, want)
		}
	}
}

// TestTolerant: what no rule rests on is read in any form and shown as it is.
func TestTolerant(t *testing.T) {
	at := time.Date(2026, 2, 8, 0, 0, 0, 0, time.UTC)
	for front, want := range map[string]Ticket{
		"created: 2026-02-08\n": {Created: at,
			Raw: map[string]string{"created": "2026-02-08"}},
		"created: '2026-02-08 10:30:00'\n": {Created: at.Add(10*time.Hour + 30*time.Minute),
			Raw: map[string]string{"created": "2026-02-08 10:30:00"}},
		"created: 2026-02-08T01:00:00+01:00\n": {Created: at},
		"created: last week\n":                 {Raw: map[string]string{"created": "last week"}},
		"closed: [soon, later]\n":              {Raw: map[string]string{"closed": "soon, later"}},
		"closed: ''\nclaimed-at: []\n":         {},
		"closed: a\nclaimed-at: b\n": {Raw: map[string]string{"closed": "a",
			"claimed-at": "b"}},
		"hold-until: 2026-02-08\nhold: {a: b, c: [d]}\n": {HoldUntil: at, Hold: "a: b, c: d",
			Raw: map[string]string{"hold-until": "2026-02-08"}},
		"type: proposal\n":                         {Type: "proposal"},
		"type: [bug, ui]\n":                        {Type: "bug, ui"},
		"assignee: []\n":                           {},
		"assignee: [Ada, Grace]\n":                 {Assignee: "Ada, Grace"},
		"assignee: {name: Ada}\n":                  {Assignee: "name: Ada"},
		"assignee: 007\n":                          {Assignee: "007"},
		"tags: a b\n":                              {Tags: []string{"a b"}},
		"tags: [a, [b, c], {d: e}, ~]\n":           {Tags: []string{"a", "b, c", "d: e", ""}},
		"tags:\nlinks: ''\n":                       {},
		"close-reason: [a]\nresolution: dropped\n": {CloseReason: "a", Resolution: "dropped"},
		"blocked-by: [{id: a, reason: [b, c]}]\n": {BlockerKey: KeyBlockedBy,
			BlockedBy: []Blocker{{"a", "b, c"}}},
		"evidence:\n- a\n- b: c\nclosed-by: Ada\n": {Evidence: []string{"a", "b: c"},
			ClosedBy: "Ada"},
		"plan-ref: p/a\nexternal-ref: 12\n":          {PlanRef: "p/a", ExternalRef: "12"},
		"unknown: {a: [1]}\nx-y: z\nparent_of: ''\n": {},
	} {
		want.Status, want.Priority = StatusOpen, DefaultPriority
		got := mustParse(t, "", "---\nstatus: open\n"+front+"---\n").Ticket()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", front, diff)
		}
	}
	odd := mustParse(t, "",
		"---\nstatus: open\ncreated: 2026-02-08\nclosed: 2026-02-08T01:00:00+01:00\n---\n").Ticket()
	if a, b, c := odd.When("created"), odd.When("closed"), odd.When("claimed-at"); a != "2026-02-08" || b != "2026-02-08T00:00:00Z" || c != "" {
		t.Errorf("shown as %q, %q, %q", a, b, c)
	}
}

// TestTitleKey: a fork keeps the title in front matter, and writes no heading.
func TestTitleKey(t *testing.T) {
	for content, want := range map[string]string{
		"---\nstatus: open\ntitle: \"It's: one\"\n---\n\nText.\n": "It's: one",
		"---\nstatus: open\ntitle: One\n---\n# Two\n":             "Two",
		"---\nstatus: open\ntitle: [a]\n---\n":                    "",
	} {
		d := mustParse(t, "", content)
		if got := d.Ticket().Title; got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
		changed, err := d.Apply(SetTitle("New"))
		if err != nil || changed.Ticket().Title != "New" {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestPriorityOfClosed: no rule asks for it, until the ticket is open again.
func TestPriorityOfClosed(t *testing.T) {
	for _, front := range []string{"priority: -1\nstatus: closed\n",
		"status: closed\npriority: [high]\n"} {
		d := mustParse(t, "", "---\n"+front+"---\n")
		if _, err := d.Apply(Set("status", "open")); err == nil ||
			!strings.Contains(err.Error(), "priority must be") {
			t.Errorf("%q opened: %v", front, err)
		}
	}
}

func TestLookalikes(t *testing.T) {
	for front, want := range map[string]string{
		"blocked_by: [a]\n": "blocked_by", "depends_on: a\n": "depends_on", "depends-on: [a]\n": "depends-on", "dependencies: [a]\n": "dependencies",
		"blockedBy:\n  - a\n": "blockedBy", "blockers: [a]\n": "blockers", "parent_id: a\n": "parent_id", "parent-id: a\n": "parent-id", "epic: a\n": "epic",
		"Parent: a\n": "Parent", "DEPS: [a]\n": "DEPS", "Blocked-By: [a]\n": "Blocked-By", "Assignee: Ada\n": "Assignee", "parentId: a\n": "parentId",
		"needs: [a]\n": "needs", "After: a\n": "After", "hold_until: a\n": "hold_until", "Depends-On: [a]\nepic: b\n": "Depends-On epic",
		// Nothing is said by an empty one, and other keys are other programs' business.
		"depends_on: []\nblocked_by:\nepic: ''\n": "", "due: tomorrow\ncreated_at: x\nblocked: no\nmilestone: m\n": "",
	} {
		content := []byte("---\nstatus: open\n" + front + "---\n")
		if got := strings.Join(mustParse(t, "", string(content)).Ticket().Lookalikes,
			" "); got != want {
			t.Errorf("%q: %q, want %q", front, got, want)
		}
		if _, scanned := Scan("t", content); scanned && want != "" {
			t.Errorf("%q was scanned past", front)
		}
	}
	for key, want := range map[string]string{"blocked_by": KeyBlockedBy, "DEPS": KeyDeps,
		"epic": "parent", "Parent": "parent", "children": "", "TAGS": "tags"} {
		if got := Meant(key); got != want {
			t.Errorf("%s is meant for %q, not %q", key, got, want)
		}
	}
}

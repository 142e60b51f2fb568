package document

import (
	"fmt"
	"strings"
	"testing"
)

func TestChanges(t *testing.T) {
	const old = "---\nid: t\nstatus: open\nblocked-by: [a, {id: b, reason: why}]\nx-own: {k: v}\npriority: 2\n---\n" +
		"# Old title\n\nWords.\n\n## Design\n\nD.\n\n## Notes\n\n- one\n"
	for name, c := range map[string]struct{ before, after, want string }{
		"nothing":    {old, old, ""},
		"a value":    {old, strings.Replace(old, "open", "closed", 1), "status=open>closed"},
		"its quotes": {old, strings.Replace(old, "open", `"open"`, 1), ""},
		"a list": {old, strings.Replace(old, "[a, ", "[a, c, ", 1),
			"blocked-by=a, id: b, reason: why>a, c, id: b, reason: why"},
		"a mapping": {old, strings.Replace(old, "k: v", "k: w", 1), "x-own=k: v>k: w"},
		"a new key": {old, strings.Replace(old, "priority", "parent: p\npriority", 1),
			"parent=>p"},
		"a key gone": {old, strings.Replace(old, "priority: 2\n", "", 1), "priority=2>"},
		"title": {old, strings.Replace(old, "Old", "New", 1),
			"title=Old title>New title"},
		"description":     {old, strings.Replace(old, "Words", "Other words", 1), "description=>"},
		"a section":       {old, strings.Replace(old, "D.", "E.", 1), "## Design=>"},
		"a note":          {old, old + "- two\n", "## Notes=>"},
		"a section gone":  {old, strings.Replace(old, "## Design\n\nD.\n\n", "", 1), "## Design=>"},
		"blank lines":     {old, old + "\n\n", ""},
		"two of one name": {old + "## Notes\n\n- x\n", old + "## Notes\n\n- y\n", "## Notes (2)=>"},
		"new": {"", old,
			"id=>t status=>open blocked-by=>a, id: b, reason: why x-own=>k: v priority=>2 title=>Old title"},
	} {
		t.Run(name, func(t *testing.T) {
			var before *Document
			if c.before != "" {
				before = mustParse(t, "t", c.before)
			}
			var got []string
			for _, change := range mustParse(t, "t", c.after).Changes(before) {
				got = append(got, fmt.Sprintf("%s=%s>%s", change.Key, change.Old, change.New))
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

package spec

import (
	"strings"
	"testing"
)

// TestInvariantsFail: the check can fail. A checker that was never seen to
// reject proves nothing.
func TestInvariantsFail(t *testing.T) {
	for _, tt := range []struct{ board, want string }{
		{"p closed; a open parent=p", "a: open under closed parent p"},
		{"p closed; a in_progress by=me parent=p", "a: in_progress under closed parent p"},
		{"a in_progress", "a: in_progress without a holder"},
		{"a open by=me", "a: open with a holder"},
		{"a open reason=done", "a: open with a close reason"},
		{"a open by=/sub", "a: an agent without a holder"},
		{"a open closed-by=me", "a: open with closed-by"},
		{"a open as=dropped", "a: open with a resolution"},
		{"a in_progress by=me evidence=x", "a: in_progress with evidence"},
		{"a closed as=duplicate", "a: a duplicate of nothing"},
		{"a open until=5", "a: hold-until without a hold"},
		{"a open ref=p/x; b closed ref=p/x", "b: plan-ref p/x, as a"},
		{"a open parent=p", "a: parent p is missing"},
		{"a open blocked=b", "a: blocker b is missing"},
		{"a open blocked=b,b; b open", "a: blocker b twice"},
		{"a open title=_", "a: no title"},
		{"a open type=story", `a: type "story"`},
		{"a open priority=5", "a: priority 5"},
		{"a started", `a: status "started"`},
		{"../a open", "../a: not an id"},

		{"a open blocked=b; b open blocked=a", "cycle of waiting"},
		{"a open blocked=a", "cycle of waiting"},
		{"a open parent=a", "cycle of waiting"},
		{"a open parent=p; p open blocked=a", "cycle of waiting"},
		{"a open parent=p blocked=p; p open", "cycle of waiting"},
		{"a open blocked=b; b open; c open parent=b blocked=a", "cycle of waiting"},
	} {
		if got := strings.Join(Invariants(board(tt.board)), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.board, got, tt.want)
		}
	}
	for _, sound := range []string{
		"",
		"a open; b in_progress by=gone parent=a; c closed reason=done blocked=a",
		"a closed blocked=b; b open blocked=a", // closed waits for nothing
		"m malformed mentions=a; a open blocked=m parent=m",
	} {
		if bad := Invariants(board(sound)); len(bad) > 0 {
			t.Errorf("%s: %v", sound, bad)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "d5czj08": true, "a.b_c-d.9": true, strings.Repeat("x", 64): true,
		"": false, ".a": false, "-a": false, "a.": false, "a..b": false, "a/b": false,
		"a b": false, "a\n": false, "é": false, strings.Repeat("x", 65): false,
	} {
		if ValidID(id) != want {
			t.Errorf("ValidID(%q) is %v", id, !want)
		}
	}
}

package spec

import "testing"

// TestCycle: every way for an edge to close a cycle of waiting.
func TestCycle(t *testing.T) {
	run(t, []row{
		// Blockers only.
		{"a open; b open blocked=c; c open blocked=a", "block a on=b", Cycle, ""},
		{"a open; b open blocked=c; c open", "block a on=b", OK, "a open blocked=b"},
		{"a open; b closed blocked=a", "block a on=b", OK, "a open blocked=b"},
		{"a open; b open blocked=c; c closed blocked=a", "block a on=b", OK, "a open blocked=b"},
		{"a in_progress by=me; b open blocked=a", "block a on=b", Cycle, ""}, // a may be released

		// Stuck forever, though no blocked-by cycle exists.
		{"a open; c open parent=a", "block a on=c", Cycle, ""},
		{"a open parent=e; e open", "block a on=e", Cycle, ""},
		{"a open; c open parent=a; d open parent=c", "block a on=d", Cycle, ""},
		{"a open parent=e; e open parent=g; g open", "block a on=g", Cycle, ""},
		{"a open; c closed parent=a", "block a on=c", OK, "a open blocked=c"},

		// Through the blockers of ancestors, and the children of blockers.
		{"a open; b open parent=e; e open blocked=a", "block a on=b", Cycle, ""},
		{"a open; b open; c open parent=b blocked=a", "block a on=b", Cycle, ""},
		{"a open parent=e; e open; b open blocked=e", "block a on=b", Cycle, ""},
		{"a open; c open parent=a; b open blocked=c", "block a on=b", Cycle, ""},
		// siblings
		{"a open parent=e; e open; b open parent=e", "block a on=b", OK,
			"a open parent=e blocked=b"},

		// A new parent waits for its child and the child for its start.
		{"a open blocked=p; p open", "update a parent=p", Cycle, ""},
		{"a open; p open blocked=a", "update a parent=p", Cycle, ""},
		{"a open; c open parent=a blocked=p; p open", "update a parent=p", Cycle, ""},
		{"a open blocked=x; x open blocked=p; p open", "update a parent=p", Cycle, ""},
		{"a open parent=o blocked=p; o open; p closed", "update a parent=", OK, "a open blocked=p"},
		{"a open parent=o; o open; b open blocked=a", "update o parent=b", Cycle, ""},
		// Only the old parent would close it.
		{"a open parent=o; o open blocked=x; x open; p open", "update a parent=p", OK,
			"a open parent=p"},

		// A cycle made by hand elsewhere is not this operation's.
		{"a open; b open; x open blocked=y; y open blocked=x", "block a on=b", OK,
			"a open blocked=b"},
		{"a open; b open blocked=x; x open blocked=y; y open blocked=x", "block a on=b", OK,
			"a open blocked=b"},
	})
}

// TestCycleUnreadable: what cannot be read might close the cycle.
func TestCycleUnreadable(t *testing.T) {
	run(t, []row{
		{"a open; b open blocked=m; m malformed", "block a on=b", Malformed, ""},
		{"a open; b open parent=m; m malformed", "block a on=b", Malformed, ""},
		{"a open; b open; m malformed mentions=b", "block a on=b", Malformed, ""},
		// a's children are not reached
		{"a open; b open; m malformed mentions=a", "block a on=b", OK, "a open blocked=b"},
		{"a open; b closed blocked=m; m malformed mentions=b", "block a on=b", OK,
			"a open blocked=b"},
		// what is missing waits for nothing
		{"a open; b open blocked=none", "block a on=b", OK, "a open blocked=b"},
		// seen, whatever m holds
		{"a open; b open blocked=m,a; m malformed", "block a on=b", Cycle, ""},
		{"a open; p open parent=m; m malformed", "update a parent=p", Malformed, ""},
		{"p open parent=m; m malformed", "create title=new parent=p", Malformed, ""},
		{"a closed blocked=b; b open blocked=m; m malformed", "reopen a", OK, "a open blocked=b"},
	})
}

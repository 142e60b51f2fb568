package spec

import (
	"reflect"
	"testing"
)

// These tests are the table "The rules" again, row by row. The order of the
// refusals is in order_test.go.

func TestStart(t *testing.T) {
	run(t, []row{
		{"a open", "start a", OK, "a in_progress by=me"},
		{"a open by=live reason=old", "start a", OK, "a in_progress by=me"}, // leftovers
		{"a closed", "start a", WrongStatus, ""},
		{"a open", "start a takeover", OK, "a in_progress by=me"},

		{"a in_progress by=me", "start a", OK, ""},
		{"a in_progress by=me parent=p blocked=x", "start a", OK, ""}, // nothing else is asked
		{"a in_progress by=live", "start a", Claimed, ""},
		{"a in_progress by=live", "start a takeover", Claimed, ""},
		{"a in_progress by=lost", "start a", Claimed, ""},
		{"a in_progress by=lost", "start a takeover", OK, "a in_progress by=me"},
		{"a in_progress", "start a", Claimed, ""},
		{"a in_progress", "start a takeover", OK, "a in_progress by=me"},
		{"a in_progress by=gone", "start a", OK, "a in_progress by=me"},
		{"a in_progress by=late", "start a", Claimed, ""}, // its client may be restarting
		{"a in_progress by=late", "start a takeover", Claimed, ""},
		{"a in_progress by=Ada@person", "start a takeover", Claimed, ""}, // lives until given back
		{"a in_progress by=gone blocked=x; x open", "start a", Blocked, ""},
		{"a in_progress by=gone parent=p; p open", "start a", ParentStatus, ""},

		{"a open parent=p; p open", "start a", ParentStatus, ""},
		{"a open parent=p", "start a", ParentStatus, ""},
		{"a open parent=p; p malformed", "start a", ParentStatus, ""},
		{"a open parent=p; p in_progress by=live", "start a", OK, "a in_progress by=me parent=p"},
		{"a open parent=p; p closed", "start a", OK, "a in_progress by=me parent=p"},
		{"a open parent=p; p in_progress parent=g; g open", "start a", OK,
			"a in_progress by=me parent=p"},
		{"a open parent=p; p in_progress parent=g", "start a", ParentStatus, ""},
		{"a open parent=p; p closed parent=g; g malformed", "start a", ParentStatus, ""},
		// a hand's cycle ends
		{"a open parent=p; p in_progress parent=a", "start a", OK, "a in_progress by=me parent=p"},
		{"a open parent=p; p in_progress parent=p", "start a", OK, "a in_progress by=me parent=p"},

		{"a open blocked=x; x open", "start a", Blocked, ""},
		{"a open blocked=x; x in_progress", "start a", Blocked, ""},
		{"a open blocked=x", "start a", Blocked, ""},
		{"a open blocked=x; x malformed", "start a", Blocked, ""},
		{"a open blocked=x,y; x closed; y closed", "start a", OK,
			"a in_progress by=me blocked=x,y"},
		{"a open blocked=x,y; x closed; y open", "start a", Blocked, ""},
		{"a open parent=p; p in_progress blocked=x; x open", "start a", Blocked, ""},
		{"a open parent=p; p closed parent=g; g in_progress blocked=x; x open", "start a", Blocked,
			""},
		{"a open parent=p; p closed blocked=x; x open", "start a", Blocked, ""}, // of any ancestor
	})
}

// TestAgents: a session and its named agents are callers of their own.
func TestAgents(t *testing.T) {
	run(t, []row{
		{"a open", "start a by=me/sub", OK, "a in_progress by=me/sub"},
		{"a in_progress by=me/sub", "start a by=me/sub", OK, ""},
		{"a in_progress by=me/sub", "start a by=me/two", Claimed, ""},
		{"a in_progress by=me/sub", "start a by=me/two takeover", Claimed, ""},
		{"a in_progress by=me/sub", "start a", Claimed, ""}, // it may close it without a start
		{"a in_progress by=me", "start a by=me/sub", Claimed, ""},
		{"a in_progress by=gone/sub", "start a by=me/sub", OK, "a in_progress by=me/sub"},
		{"a in_progress by=live/sub", "start a by=me/sub", Claimed, ""},

		// What the session holds is any of its agents', what an agent holds its own and the
		// session's.
		{"a in_progress by=me", "close a by=me/sub", OK, "a closed closed-by=me"},
		{"a in_progress by=me/sub", "close a", OK, "a closed closed-by=me"},
		{"a in_progress by=me/sub", "close a by=me/sub", OK, "a closed closed-by=me"},
		{"a in_progress by=me/sub", "close a by=me/two", Claimed, ""},
		{"a in_progress by=me", "release a by=me/sub", OK, "a open"},
		{"a in_progress by=me/sub", "release a by=me/two", Claimed, ""},
		{"a in_progress by=live/sub", "release a by=me/sub", Claimed, ""},

		{"a in_progress by=me/sub; b open", "start by=me/two", OK, "b in_progress by=me/two"},
		{"a in_progress by=me/sub", "start by=me/two", NotFound, ""},
	})
}

// TestPersons: no agent takes from a person; a person may take from anybody.
func TestPersons(t *testing.T) {
	run(t, []row{
		{"a open", "start a by=Ada@person", OK, "a in_progress by=Ada@person"},
		{"a in_progress by=Ada@person", "close a", Claimed, ""},
		{"a in_progress by=Ada@person", "release a", Claimed, ""},
		{"a in_progress by=Ada@person", "close a by=Ada@person", OK,
			"a closed closed-by=Ada@person"},
		{"a in_progress by=Ada@person", "release a by=Bob@person", Claimed, ""},
		{"a in_progress by=Ada@person", "release a by=Bob@person force", OK, "a open"},
		{"a in_progress by=live/sub", "release a by=Ada@person force", OK, "a open"},
		{"a open", "release a by=Ada@person force", WrongStatus, ""},
	})
}

// TestHold: a hold is a mark that keeps a ticket and all below from a start.
func TestHold(t *testing.T) {
	run(t, []row{
		{"a open hold=Grace", "start a", OnHold, ""},
		{"a open hold=Grace until=100", "start a", OnHold, ""},
		{"a open hold=Grace until=99", "start a", OK, "a in_progress by=me hold=Grace until=99"},
		{"a in_progress by=gone hold=Grace", "start a", OnHold, ""},
		{"a in_progress by=me hold=Grace", "start a", OK, ""}, // already yours
		{"a open parent=p; p in_progress hold=Grace", "start a", OnHold, ""},
		{"a open parent=p; p closed parent=g; g in_progress hold=Grace", "start a", OnHold, ""},
		// the hold is the blocker's
		{"a open blocked=x; x open hold=Grace", "start a", Blocked, ""},
		{"a open hold=Grace; b open", "start", OK, "b in_progress by=me"},
		{"a open hold=Grace", "start", NotFound, ""},
		{"a in_progress by=me hold=Grace", "close a", OK, "a closed closed-by=me hold=Grace"},

		{"a in_progress by=me", "release a hold=Grace reason=which_one?", OK,
			"a open hold=Grace notes=which_one?"},
		{"a in_progress by=me hold=Grace until=5", "release a", OK, "a open hold=Grace until=5"},
		{"", "create title=new hold=Grace", OK, "n open title=new hold=Grace created=99"},
		{"a open", "update a hold=_Grace_", OK, "a open hold=Grace"},
		{"a in_progress by=live", "update a hold=Grace", OK, "a in_progress by=live hold=Grace"},
		// not over at once
		{"a open hold=Grace until=5", "update a hold=Ada", OK, "a open hold=Ada"},
		{"a open hold=Grace", "update a until=200", OK, "a open hold=Grace until=200"},
		{"a open hold=Grace until=200", "update a until=0", OK, "a open hold=Grace"},
		{"a open hold=Grace until=200", "update a hold=", OK, "a open"},
		{"a open", "update a until=200", Invalid, ""},
		{"a closed", "update a hold=Grace", WrongStatus, ""},
	})
}

func TestFacts(t *testing.T) {
	for _, tt := range []struct {
		board, op string
		want      Result
	}{
		{"a open", "start a", Result{ID: "a"}},
		{"a in_progress by=me", "start a", Result{ID: "a", AlreadyYours: true}},
		{"a in_progress by=gone", "start a", Result{ID: "a", TakenOver: true, From: "gone"}},
		{"a in_progress by=lost", "start a takeover",
			Result{ID: "a", TakenOver: true, From: "lost"}},
		{"a in_progress", "start a takeover", Result{ID: "a", TakenOver: true}},
		{"a open; b open priority=1", "start", Result{ID: "b"}},
		{"a open", "create title=new", Result{ID: "n"}},
		{"a in_progress by=live", "start a", Result{Code: Claimed}},

		{"a in_progress by=me; b open", "close a", Result{ID: "a"}}, // b was ready before
		{"a in_progress by=me; b open blocked=a", "close a",
			Result{ID: "a", Unblocked: []string{"b"}}},
		{"a in_progress by=me; b open blocked=a,x; x open; c open parent=p; p in_progress blocked=a; d open blocked=a priority=1",
			"close a", Result{ID: "a", Unblocked: []string{"d", "c"}}},

		{"a open; b open blocked=c; c open parent=a", "close a as=dropped children",
			Result{ID: "a", Dropped: []string{"c"}, Unblocked: []string{"b"}}},
		{"a in_progress by=me; b open", "close a next", Result{ID: "a", Next: "b"}},
		{"a in_progress by=me; b open", "close a next lane=web",
			Result{ID: "a", NextCode: NotFound}},
	} {
		if _, got := Step(board(tt.board), op(tt.op)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s on %s: %+v, want %+v", tt.op, tt.board, got, tt.want)
		}
	}
}

func TestStartNext(t *testing.T) {
	run(t, []row{
		{"", "start", NotFound, ""},
		{"a closed; b in_progress by=live; c open blocked=b", "start", NotFound, ""},
		{"a open; b open", "start", OK, "a in_progress by=me"},
		{"a open; b open priority=1", "start", OK, "b in_progress by=me priority=1"},
		{"b open created=5; a open created=5; c open created=6", "start", OK,
			"a in_progress by=me"},
		// never again what is held
		{"a in_progress by=me; b open", "start", OK, "b in_progress by=me"},
		{"a in_progress by=me", "start", NotFound, ""},
		{"m malformed mentions=a; a open", "start", OK, "a in_progress by=me"},

		{"a in_progress by=gone; b open", "start", OK, "a in_progress by=me"},
		// its client may be restarting
		{"a in_progress by=late; b open", "start", OK, "b in_progress by=me"},
		{"a in_progress by=late", "start", NotFound, ""},
		{"a open by=late", "start", OK, "a in_progress by=me"}, // a leftover is no claim

		{"a open; b open type=bug", "start type=bug", OK, "b in_progress by=me type=bug"},
		{"a open; b open type=bug", "start type=epic", NotFound, ""},
		{"a open; b open type=bug", "start type=story", Invalid, ""},
		{"a open; b open parent=p; p in_progress", "start parent=p", OK,
			"b in_progress by=me parent=p"},
		// children, not all below
		{"a open; b open parent=p; p in_progress parent=g; g in_progress", "start parent=g",
			NotFound, ""},
		{"a open", "start parent=../p", Invalid, ""},

		{"a open tags=api; b open tags=web,ui", "start tag=ui", OK,
			"b in_progress by=me tags=web,ui"},
		{"a open tags=api; b open", "start tag=ui", NotFound, ""},
		{"a open; b open tags=web", "start lane=ui,web", OK, "b in_progress by=me tags=web"},
		{"a open tags=api; b open tags=web", "start lane=web tag=api", OK,
			"a in_progress by=me tags=api"},

		// Work before containers.
		{"a open priority=0; b open; c open parent=a", "start", OK, "b in_progress by=me"},
		{"a open; c open parent=a", "start", OK, "a in_progress by=me"}, // nothing else is ready
		{"a in_progress by=live; b open priority=1; c open parent=a; d open parent=b", "start", OK,
			"c in_progress by=me parent=a"},
		// nothing is open below
		{"a open priority=1; b open; c closed parent=a", "start", OK,
			"a in_progress by=me priority=1"},
		{"a open type=epic; b open; c open parent=a", "start type=epic", OK,
			"a in_progress by=me type=epic"},
	})
}

func TestClose(t *testing.T) {
	run(t, []row{
		{"a in_progress by=me", "close a", OK, "a closed closed-by=me"},
		{"a in_progress by=me", "close a reason=done", OK, "a closed closed-by=me reason=done"},
		{"a in_progress by=me reason=old", "close a", OK, "a closed closed-by=me"},
		{"a open", "close a", WrongStatus, ""},
		{"a closed", "close a", WrongStatus, ""},

		{"a in_progress by=live", "close a", Claimed, ""},
		{"a in_progress by=gone", "close a", OK, "a closed closed-by=me"},
		{"a in_progress by=lost", "close a", Claimed, ""}, // it may live
		{"a in_progress by=live", "close a former", Claimed, ""},
		{"a in_progress by=gone", "close a former", Claimed, ""}, // replaced, then the other died
		{"a in_progress by=lost", "close a former", Claimed, ""},
		{"a in_progress by=me", "close a former", OK, "a closed closed-by=me"},
		{"a in_progress", "close a", OK, "a closed closed-by=me"},
		{"a in_progress", "close a former", OK, "a closed closed-by=me"},

		{"a in_progress by=me; c open parent=a", "close a", OpenChildren, ""},
		{"a in_progress by=me; c in_progress parent=a", "close a", OpenChildren, ""},
		{"a in_progress by=me; c closed parent=a; d open parent=c", "close a", OK,
			"a closed closed-by=me"},
		{"a in_progress by=me; m malformed mentions=b,a", "close a", Malformed, ""},
		{"a in_progress by=me; m malformed mentions=b", "close a", OK, "a closed closed-by=me"},
		{"a in_progress by=me blocked=x; x open", "close a", OK, "a closed closed-by=me blocked=x"},
	})
}

func TestDrop(t *testing.T) {
	const dropped = " closed closed-by=me as=dropped"
	run(t, []row{
		{"a open", "close a as=dropped reason=no_need", OK, "a" + dropped + " reason=no_need"},
		{"a in_progress by=me", "close a as=dropped", OK, "a" + dropped},
		{"a open by=live", "close a as=dropped", OK, "a" + dropped}, // a leftover claim
		{"a closed", "close a as=dropped", WrongStatus, ""},
		{"a in_progress by=live", "close a as=dropped", Claimed, ""},
		{"a in_progress by=gone", "close a as=dropped", OK, "a" + dropped},
		{"a open blocked=x parent=p hold=Grace; x open; p open", "close a as=dropped", OK,
			"a" + dropped + " blocked=x parent=p hold=Grace"},

		{"a open; b open", "close a as=duplicate of=b", OK,
			"a closed closed-by=me as=duplicate links=b"},
		{"a open links=b,c; b closed", "close a as=duplicate of=b", OK,
			"a closed closed-by=me as=duplicate links=b,c"},
		{"a open", "close a as=duplicate of=b", NotFound, ""},
		{"a open", "close a as=duplicate of=a", Invalid, ""},
		{"a open", "close a as=duplicate", Invalid, ""},
		{"a open; b open", "close a as=dropped of=b", Invalid, ""},
		{"a in_progress by=me; b open", "close a of=b", Invalid, ""},
		{"a open", "close a as=done", Invalid, ""},

		{"a open; c open parent=a", "close a as=dropped", OpenChildren, ""},
		{"a open; c open parent=a; d open parent=c; e closed parent=c",
			"close a as=dropped children reason=no evidence=x", OK,
			"a" + dropped + " reason=no evidence=x; c" + dropped + " reason=no parent=a; d" +
				dropped + " reason=no parent=c"},
		{"a open; b open; c open parent=a", "close a as=duplicate of=b children", OK,
			"a closed closed-by=me as=duplicate links=b; c" + dropped + " parent=a"},
		{"a open", "close a as=dropped children", OK, "a" + dropped},
		{"a open; c open parent=a; d in_progress by=live parent=c", "close a as=dropped children",
			OpenChildren, ""},
		{"a open; c in_progress by=gone parent=a", "close a as=dropped children", OpenChildren, ""},
		{"a in_progress by=me; c in_progress by=me parent=a", "close a as=dropped children",
			OpenChildren, ""},
		{"a open parent=a", "close a as=dropped", OpenChildren, ""}, // as any close
		{"a open parent=a", "close a as=dropped children", OK, "a" + dropped + " parent=a"},
		{"a open; m malformed mentions=a", "close a as=dropped", Malformed, ""},
		{"a open; c open parent=a; m malformed mentions=c", "close a as=dropped children",
			Malformed, ""},
		{"a in_progress by=me; c open parent=a", "close a children", Invalid, ""},
		// a hand's cycle ends
		{"a open parent=c; c open parent=a", "close a as=dropped children", OK,
			"a" + dropped + " parent=c; c" + dropped + " parent=a"},
	})
}

func TestCloseNext(t *testing.T) {
	run(t, []row{
		{"a in_progress by=me evidence=x; b open", "close a next evidence=a.go,log", OK,
			"a closed closed-by=me evidence=a.go,log; b in_progress by=me"},
		{"a in_progress by=me; b open blocked=a", "close a next by=me/sub", OK,
			"a closed closed-by=me; b in_progress by=me/sub blocked=a"},
		// nothing is ready, the close stands
		{"a in_progress by=me", "close a next", OK, "a closed closed-by=me"},
		// no start without the close
		{"a open; b open", "close a next", WrongStatus, ""},
		{"a open; b open tags=web; c open", "close a as=dropped next lane=web", OK,
			"a closed closed-by=me as=dropped; b in_progress by=me tags=web"},
	})
}

func TestReopen(t *testing.T) {
	run(t, []row{
		{"a closed by=gone closed-by=live reason=done", "reopen a", OK,
			"a open notes=by_live_because_done"},
		{"a closed closed-by=live as=duplicate links=b evidence=x hold=Grace",
			"reopen a reason=why", OK,
			"a open links=b hold=Grace notes=by_live_as_duplicate_shown_by_x,why"},
		{"a closed", "reopen a reason=broken_again", OK, "a open notes=broken_again"},
		{"a open", "reopen a", WrongStatus, ""},
		{"a in_progress by=me", "reopen a", WrongStatus, ""},
		{"a closed parent=p; p closed", "reopen a", ParentStatus, ""},
		{"a closed parent=p; p open", "reopen a", OK, "a open parent=p"},
		{"a closed parent=p", "reopen a", OK, "a open parent=p"},
		{"a closed parent=p; p malformed mentions=a", "reopen a", OK, "a open parent=p"},

		// While a was closed, b came to wait for it.
		{"a closed blocked=b; b open blocked=a", "reopen a", Cycle, ""},
		{"a closed blocked=b; b closed blocked=a", "reopen a", OK, "a open blocked=b"},
		{"a closed blocked=b parent=p; p in_progress; b open blocked=p", "reopen a", Cycle, ""},
		{"a closed; b open blocked=c; c open blocked=b", "reopen a", OK, "a open"}, // not its cycle
	})
}

func TestRelease(t *testing.T) {
	run(t, []row{
		{"a in_progress by=me reason=old", "release a", OK, "a open"},
		{"a in_progress by=me", "release a reason=stuck", OK, "a open notes=stuck"},
		{"a open", "release a", WrongStatus, ""},
		{"a closed", "release a", WrongStatus, ""},
		{"a in_progress by=live", "release a", Claimed, ""},
		{"a in_progress by=gone", "release a", OK, "a open"},
		{"a in_progress by=gone", "release a former", Claimed, ""},
		{"a in_progress", "release a former", OK, "a open"},
		{"a in_progress by=me; c open parent=a; m malformed mentions=a", "release a", OK, "a open"},
	})
}

func TestBlock(t *testing.T) {
	run(t, []row{
		{"a open; b open", "block a on=b", OK, "a open blocked=b"},
		{"a open blocked=c; b open", "block a on=b", OK, "a open blocked=c,b"},
		{"a in_progress by=live; b closed", "block a on=b", OK, "a in_progress by=live blocked=b"},
		{"a closed; b open", "block a on=b", WrongStatus, ""},
		{"a open", "block a on=b", NotFound, ""},
		{"a open", "block a on=../b", Invalid, ""},
		{"a open; b malformed", "block a on=b", Malformed, ""},
		{"a open blocked=b; b open", "block a on=b", NoChange, ""},
		{"a open blocked=a", "block a on=a", NoChange, ""},
		{"a open", "block a on=a", Cycle, ""},
		{"a open; b open blocked=a", "block a on=b", Cycle, ""},
	})
}

func TestUnblock(t *testing.T) {
	run(t, []row{
		{"a open blocked=b,c; b open", "unblock a on=b", OK, "a open blocked=c"},
		{"a open blocked=b", "unblock a on=b", OK, "a open"}, // the file need not exist
		{"a open blocked=b; b malformed", "unblock a on=b", OK, "a open"},
		{"a in_progress by=live blocked=b,c,b", "unblock a on=b", OK,
			"a in_progress by=live blocked=c"},
		{"a closed blocked=b; b open", "unblock a on=b", WrongStatus, ""},
		{"a open blocked=c; b open", "unblock a on=b", NoChange, ""},
		{"a open", "unblock a on=../b", Invalid, ""},
	})
}

func TestCreate(t *testing.T) {
	const created = " created=99"
	run(t, []row{
		{"", "create title=_new_", OK, "n open title=new" + created},
		{"p open; b closed; c open",
			"create title=new type=epic priority=4 assignee=Ada parent=p blocked=b,c", OK,
			"n open title=new type=epic priority=4 assignee=Ada parent=p blocked=b,c" + created},
		{"p in_progress", "create title=new parent=p", OK, "n open title=new parent=p" + created},
		{"", "create title=new parent=", OK, "n open title=new" + created},
		{"", "create title=new tags=api,web", OK, "n open title=new tags=api,web" + created},
		{"", "create", Invalid, ""},
		{"", "create title=__", Invalid, ""},
		{"", "create title=new type=story", Invalid, ""},
		{"", "create title=new priority=0", OK, "n open title=new priority=0" + created},
		{"", "create title=new priority=-1", Invalid, ""},
		{"", "create title=new priority=5", Invalid, ""},
		{"b open; c open", "create title=new blocked=b,c,b", Invalid, ""},
		{"", "create title=new blocked=../b", Invalid, ""},
		{"", "create title=new parent=../p", Invalid, ""},
		{"b open", "create title=new parent=p", NotFound, ""},
		{"b open", "create title=new blocked=b,c", NotFound, ""},
		{"p malformed", "create title=new parent=p", Malformed, ""},
		{"b malformed", "create title=new blocked=b", Malformed, ""},
		{"p closed", "create title=new parent=p", ParentStatus, ""},
		{"p open", "create title=new parent=p blocked=p", Cycle, ""},
		{"p open; b open blocked=p", "create title=new parent=p blocked=b", Cycle, ""},
	})
}

func TestUpdate(t *testing.T) {
	run(t, []row{
		{"a open", "update a title=_new_ type=bug priority=1 assignee=Ada", OK,
			"a open title=new type=bug priority=1 assignee=Ada"},
		{"a in_progress by=live assignee=Ada", "update a assignee=", OK, "a in_progress by=live"},
		{"a open", "update a", OK, ""},
		{"a open tags=api", "update a tags=web,ui", OK, "a open tags=web,ui"},
		{"a open tags=api", "update a tags=", OK, "a open"},
		{"a closed", "update a title=new", WrongStatus, ""},
		{"a open", "update a title=_", Invalid, ""},
		{"a open", "update a type=", Invalid, ""},
		{"a open", "update a priority=9", Invalid, ""},
		{"a open", "update a parent=../p", Invalid, ""},
		{"a open; p open", "update a parent=p", OK, "a open parent=p"},
		{"a open parent=p", "update a parent=", OK, "a open"},
		{"a open", "update a parent=p", NotFound, ""},
		{"a open; p malformed", "update a parent=p", Malformed, ""},
		{"a open; p closed", "update a parent=p", ParentStatus, ""},
		{"a open", "update a parent=a", Cycle, ""},
		{"a open; c open parent=a", "update a parent=c", Cycle, ""},
		// What it is already needs no judging.
		{"a open parent=p; p closed", "update a parent=p title=new", OK,
			"a open parent=p title=new"},
		{"a open parent=p", "update a parent=p", OK, ""},
	})
}

func TestNote(t *testing.T) {
	run(t, []row{
		{"a open", "note a text=one", OK, "a open notes=one"},
		{"a closed notes=one", "note a text=_two", OK, "a closed notes=one,two"},
		{"a in_progress by=live", "note a text=mine_once former", OK,
			"a in_progress by=live notes=mine_once"},
		{"a open", "note a", Invalid, ""},
		{"a open", "note a text=_", Invalid, ""},
	})
}

func TestReady(t *testing.T) {
	s := board("a open; b open priority=1; c closed; d in_progress by=live; e in_progress by=gone; " +
		"f in_progress by=me; g in_progress by=lost; h in_progress; i open parent=a; j open parent=d; " +
		"k open blocked=c; l open blocked=a; m malformed mentions=a; o open created=0")
	want := []string{"b", "a", "o", "e", "j", "k"}
	if got := Ready(s, op("start")); !reflect.DeepEqual(got, want) {
		t.Errorf("ready %v, want %v", got, want)
	}
	if IsReady(s, op("start"), "f") || IsReady(s, op("start"), "m") ||
		IsReady(s, op("start"), "none") || IsReady(s, op("start"), "") {
		t.Error("ready lists what cannot be given out")
	}
}

// TestUnreadableIsNotClosed: of a file that cannot be read no field counts,
// whatever a test has filled in.
func TestUnreadableIsNotClosed(t *testing.T) {
	s := board("a open blocked=m; c closed parent=m")
	s.Tickets["m"] = Ticket{Malformed: true, Status: Closed, Parent: "c"}
	if _, r := Step(s, op("start a")); r.Code != Blocked {
		t.Errorf("start: %q", r.Code)
	}
	if _, r := Step(s, op("reopen c")); r.Code != OK {
		t.Errorf("reopen: %q", r.Code)
	}
}

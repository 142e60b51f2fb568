package tools_test

import "testing"

// seeds are the rules of the table, one scenario each. They run through the program and the oracle;
// both must answer as written.
var seeds = []scenario{
	{"start makes an open ticket yours", "a open", `
		me: start a -> ok
		me: start a -> ok already_yours`},
	{"start drops what another program left over", "a open by=you reason=old", `
		me: start a -> ok`},
	{"start of a closed ticket", "a closed", `
		me: start a -> wrong_status
		me: start a takeover -> wrong_status`},
	{"start below an open parent", "p open; a open parent=p", `
		me: start a -> parent_status
		you: start p -> ok
		me: start a -> ok`},
	{"start below a parent that is gone", "a open parent=p", `
		me: start a -> parent_status`},
	{"start below a parent that cannot be read", "a open parent=p; p malformed", `
		me: start a -> parent_status`},
	{"start looks at the status of the parent only", "a open parent=p; p in_progress by=me parent=g; g open", `
		me: start a -> ok`},
	{"start looks through all ancestors for one that cannot be read", "a open parent=p; p in_progress by=me parent=g; g malformed", `
		me: start a -> parent_status`},
	{"start waits for each blocker", "a open blocked=x,y; x open; y in_progress by=you", `
		me: start a -> blocked
		you: close y -> ok
		me: start a -> blocked
		me: start x -> ok
		me: close x -> ok unblocked=a
		me: start a -> ok`},
	{"start waits for a blocker that is gone or cannot be read", "a open blocked=x; b open blocked=m; m malformed", `
		me: start a -> blocked
		me: start b -> blocked`},
	{"start waits for the blockers of ancestors, also of closed ones",
		"a open parent=p; p in_progress by=you parent=g; g closed blocked=x; x open", `
		me: start a -> blocked`},
	{"start: the parent comes before the blockers", "a open parent=p blocked=x; p open; x open", `
		me: start a -> parent_status`},
	{"start: the claim comes before parent and blockers", "a in_progress by=you parent=p blocked=x; p open; x open", `
		me: start a -> claimed
		me: start a takeover -> claimed`},
	{"start of what you hold asks for nothing else", "a in_progress by=me parent=p blocked=x", `
		me: start a -> ok already_yours`},
	{"start takes over from the dead", "a in_progress by=gone", `
		me: start a -> ok from=gone`},
	{"start takes over from the dead, but not past a blocker", "a in_progress by=gone blocked=x; x open", `
		me: start a -> blocked`},
	{"start takes over from the unseen only when told to",
		"a in_progress by=lost; b in_progress by=far; c in_progress by=bob!; d in_progress", `
		me: start a -> claimed
		me: start a takeover -> ok from=lost
		me: start b -> claimed
		me: start b takeover -> ok from=far
		me: start c -> claimed
		me: start c takeover -> ok from=bob!
		me: start d -> claimed
		me: start d takeover -> ok from=`},
	{"start without an id: priority, then age", "a open; b open priority=1; c open priority=1 created=5; d open priority=4", `
		me: start -> ok id=c
		you: start -> ok id=b
		me: start -> ok id=a
		me: start -> ok id=d
		me: start -> not_found`},
	{"start without an id: of one age, by id", "b open created=5; a open created=5", `
		me: start -> ok id=a`},
	{"start without an id gives nothing that is held", "a in_progress by=me; b in_progress by=you", `
		me: start -> not_found`},
	{"start passes over what just died, with its id too, for ten seconds from the first look of anybody", "a in_progress by=fresh; b open", `
		me: start -> ok id=b
		me: start -> not_found
		wait 9s
		you: start -> not_found
		you: start a -> claimed
		you: start a takeover -> claimed
		wait 1s
		you: start -> ok id=a from=fresh`},
	{"start without an id: work goes before containers",
		"a open priority=1; b open; c open parent=a; d open parent=e; e open type=epic priority=1; f closed parent=g; g open priority=4", `
		me: start -> ok id=b
		me: start -> ok id=g
		me: start -> ok id=a
		me: start -> ok id=c
		me: start type=epic -> ok id=e
		me: start -> ok id=d`},
	{"start with its id is a first look", "a in_progress by=fresh", `
		me: start a -> claimed
		wait 10s
		you: start a -> ok from=fresh`},
	{"close need not wait for who just died", "a in_progress by=fresh", `
		me: close a -> ok`},
	{"start without an id filters", "a open; b open type=bug; c open parent=p; p in_progress by=you; d open parent=c", `
		me: start type=bug -> ok id=b
		me: start type=bug -> not_found
		me: start type=story -> invalid
		me: start parent=p -> ok id=c
		me: start parent=p -> not_found
		me: start parent=none -> not_found`},

	{"close finishes what you hold", "a in_progress by=me", `
		me: close a reason=done -> ok
		me: close a -> wrong_status`},
	{"close of an open ticket", "a open", `
		me: close a -> wrong_status`},
	{"close of another's ticket", "a in_progress by=you; b in_progress by=lost; c in_progress by=gone; d in_progress", `
		me: close a -> claimed
		me: close b -> claimed
		me: close c -> ok
		me: close d -> ok`},
	{"close waits for children, not for theirs", "a in_progress by=me; b in_progress by=me parent=a; c closed parent=a; d open parent=c", `
		me: close a -> open_children
		me: close b -> ok
		me: close a -> ok`},
	{"close: a file that may be a child", "aa in_progress by=me; bb in_progress by=me; m malformed mentions=aa", `
		me: close aa -> malformed
		me: close bb -> ok`},
	{"close: children that are seen come before files that cannot be read", "aa in_progress by=me; c open parent=aa; m malformed mentions=aa", `
		me: close aa -> open_children`},
	{"close says what it made ready, here and below",
		"a in_progress by=me; b open blocked=a; c open blocked=a,x; x open; d open parent=e; e in_progress by=you blocked=a; f open parent=d", `
		me: close a -> ok unblocked=b,d`},
	{"close says what it made ready below a closed ancestor", "x in_progress by=me; p closed blocked=x; a open parent=p", `
		me: close x -> ok unblocked=a`},
	{"close takes a leftover reason away", "a in_progress by=me reason=old", `
		me: close a -> ok`},

	{"reopen", "a closed reason=done by=gone", `
		me: reopen a reason=broken_again -> ok
		me: reopen a -> wrong_status`},
	{"reopen below a closed parent", "a closed parent=p; p closed; b closed parent=q; c closed parent=m; m malformed", `
		me: reopen a -> parent_status
		me: reopen b -> ok
		me: reopen c -> ok
		me: reopen p -> ok
		me: reopen a -> ok`},
	{"reopen creates no dependency cycle", "a closed blocked=b; b open blocked=a", `
		me: reopen a -> cycle`},

	{"release gives back", "a in_progress by=me", `
		me: release a reason=stuck -> ok
		me: release a -> wrong_status
		you: start a -> ok
		me: release a -> claimed`},
	{"release does not look at children", "a in_progress by=me; b open parent=a; m malformed mentions=a", `
		me: release a -> ok`},

	{"block", "a open; b open; c closed; d in_progress by=you", `
		me: block a on=b -> ok
		me: block a on=b -> no_change
		me: block a on=c -> ok
		me: block d on=a -> ok
		me: block c on=a -> wrong_status
		me: block a on=none -> not_found
		me: block a on=../b -> invalid
		me: block none on=a -> not_found`},
	{"block: dependency cycles", "a open; b open blocked=a; c open blocked=b; k closed blocked=a", `
		me: block a on=a -> cycle
		me: block a on=b -> cycle
		me: block a on=c -> cycle
		me: block c on=a -> ok
		me: block a on=k -> ok`},
	{"block: an epic and its child cannot wait for each other", "e open; c open parent=e; d open parent=c; x open blocked=e", `
		me: block e on=c -> cycle
		me: block c on=e -> cycle
		me: block e on=d -> cycle
		me: block d on=e -> cycle
		me: block c on=x -> cycle
		me: block d on=c -> cycle`},
	{"block: a file that cannot be read leaves a doubt", "aa open; bb open; cc open blocked=m; m malformed; n malformed mentions=bb", `
		me: block aa on=m -> malformed
		me: block aa on=bb -> malformed
		me: block aa on=cc -> malformed
		me: block bb on=aa -> ok`},
	{"unblock", "a open blocked=b,x; b open; c closed blocked=b", `
		me: unblock a on=b -> ok
		me: unblock a on=b -> no_change
		me: unblock a on=x -> ok
		me: unblock c on=b -> wrong_status
		me: unblock a on=../x -> invalid`},

	{"create", "p open; b closed; k closed; m malformed", `
		me: create title=new type=epic priority=4 assignee=Ada parent=p blocked=b as=n -> ok
		me: create title=child parent=n -> ok
		me: create title=__ -> invalid
		me: create -> invalid
		me: create title=x type=story -> invalid
		me: create title=x priority=5 -> invalid
		me: create title=x blocked=b,b -> invalid
		me: create title=x blocked=../b -> invalid
		me: create title=x parent=none -> not_found
		me: create title=x blocked=p,none -> not_found
		me: create title=x blocked=m -> malformed
		me: create title=x parent=k -> parent_status
		me: create title=x parent=p blocked=p -> cycle`},
	{"create: a cycle through the parent", "p open; b open blocked=p", `
		me: create title=x parent=p blocked=b -> cycle
		me: create title=x blocked=b,p -> ok`},

	{"update", "a open; k closed; i in_progress by=you assignee=Ada", `
		me: update a title=_new_ type=bug priority=1 assignee=Ada -> ok
		me: update i assignee= -> ok
		me: update k title=new -> wrong_status
		me: update a title=_ -> invalid
		me: update a type=story -> invalid
		me: update a priority=5 -> invalid`},
	{"update: a parent", "aa open; pp open; qq open blocked=aa; k closed; m malformed; cc open parent=aa; dd open parent=k", `
		me: update aa parent=pp -> ok
		me: update aa parent=pp -> ok
		me: update aa parent= -> ok
		me: update aa parent=none -> not_found
		me: update aa parent=m -> malformed
		me: update aa parent=k -> parent_status
		me: update aa parent=aa -> cycle
		me: update aa parent=cc -> cycle
		me: update aa parent=qq -> cycle
		me: update dd parent=k title=new -> ok`},
	{"arguments are judged before anything is read", "k closed; b open", `
		me: create title=x parent=none blocked=../b -> invalid
		me: create title=x parent=../p blocked=none -> invalid
		me: update k parent=../p -> invalid
		me: update none title=_ -> invalid
		me: block k on=../b -> invalid
		me: note none text=_ -> invalid`},
	{"texts are trimmed", "a in_progress by=me; b in_progress by=me; c closed; d closed", `
		me: close a reason=_done_ -> ok
		me: release b reason=_ -> ok
		me: reopen c reason=_why_ -> ok
		me: reopen d reason=_ -> ok`},
	{"a hand made a ticket its own parent", "aa open parent=aa; bb in_progress by=me parent=bb", `
		me: start aa -> parent_status
		me: close bb -> open_children
		me: update bb parent= -> ok
		me: close bb -> ok`},
	{"note", "a closed; b in_progress by=you", `
		me: note a text=_one_ -> ok
		me: note b text=two -> ok
		me: note b text=_ -> invalid
		me: note none text=x -> not_found`},
	{"a ticket that cannot be read", "m malformed", `
		me: start m -> malformed
		me: close m -> malformed
		me: release m -> malformed
		me: reopen m -> malformed
		me: note m text=x -> ok
		me: update m title=x -> malformed
		me: block m on=m -> malformed
		me: unblock m on=m -> malformed`},

	{"a session dies and another goes on", "a open; b open", `
		me: start a -> ok
		you: start a -> claimed
		me dies
		you: start a -> claimed
		wait 10s
		you: start a -> ok from=me
		me returns
		me: close a -> claimed
		me: start b -> ok
		you: close a -> ok`},
	{"a session returns to what it holds", "a open", `
		me: start a -> ok
		me dies
		me returns
		me: start -> not_found
		me: start a -> ok already_yours
		me: close a -> ok`},
	{"a former holder's late close and release", "a open", `
		me: start a -> ok
		me is lost
		you: start a -> claimed
		you: start a takeover -> ok from=me
		me: close a -> claimed
		me: release a -> claimed
		me: note a text=I_was_here -> ok
		you dies
		me: close a -> claimed
		me: release a -> claimed
		me: start a -> claimed
		wait 10s
		me: start a -> ok from=you
		me: close a -> ok`},
	{"each death of a session has its 10 s: a client may be restarting, again", "a open", `
		you: start a -> ok
		you dies
		me: start -> not_found
		you returns
		you: start a -> ok already_yours
		wait 1m
		you dies
		me: start -> not_found`},
	{"an agent of a session is another caller, and the session itself is all of them", "a open; b open; c open", `
		me: start a agent=one -> ok
		me: start a agent=two -> claimed
		me: start a -> claimed
		me: start a agent=one -> ok already_yours
		me: close a agent=two -> claimed
		me: release a agent=two -> claimed
		you: close a agent=one -> claimed
		me: close a -> ok
		me: start b -> ok
		me: start b agent=two -> claimed
		me: start b -> ok already_yours
		me: release b agent=two -> ok
		me: start c agent=two -> ok
		me: close c agent=two -> ok`},
	{"what a dead session's agent held", "a in_progress by=gone/one; b in_progress by=far/one", `
		me: start b agent=one -> claimed
		me: start a agent=one -> ok from=gone`},
	{"a person", "a open; b in_progress by=Ada@person; c in_progress by=gone; d in_progress by=me", `
		Ada@person: start a -> ok
		Ada@person: start a -> ok already_yours
		me: start a -> claimed
		me: start a takeover -> claimed
		me: close a -> claimed
		Bob@person: start a takeover -> claimed
		Bob@person: close a -> claimed
		wait 1h
		Ada@person: close b -> ok
		Ada@person: start c -> ok from=gone
		Ada@person: close d -> claimed
		Ada@person: release a -> ok
		me: start a -> ok`},
	{"a ticket that waits for itself is not ready once it is closed", "a in_progress by=gone blocked=a", `
		me: close a -> ok`},
	{"the filters of start are judged as ids", "a open", `
		me: start parent=../p -> invalid`},
	{"a filter that is empty is none", "a open", `
		me: start parent= -> ok id=a`},
}

func TestSeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, s := range seeds {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			testWorld(t).play(s)
		})
	}
}

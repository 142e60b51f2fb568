package spec

// node is something that has to happen: the start or the close of a ticket.
type node struct {
	verb Verb // Start or Close
	id   string
}

// edge says that from waits for to.
type edge struct{ from, to node }

// waits is the cycle of waiting of the table, in one place: what cannot
// happen before what.
//
//	start(X) -> start(parent of X), close(each blocker of X)
//	close(X) -> start(X), close(each child of X)
//
// The blockers of ancestors, for which start(X) waits too, are reached through
// start(parent). A closed ticket waits for nothing; of one that is missing or
// cannot be read it is not known. A ticket in progress counts like an open
// one, since it can be released.
func waits(s State, n node) []node {
	t, ok := s.Tickets[n.id]
	if !ok || t.Malformed || t.Status == Closed {
		return nil
	}
	var to []node
	switch n.verb {
	case Start:
		if t.Parent != "" {
			to = append(to, node{Start, t.Parent})
		}
		for _, b := range t.BlockedBy {
			to = append(to, node{Close, b})
		}
	case Close:
		to = append(to, node{Start, n.id})
		for _, child := range s.children(n.id) {
			to = append(to, node{Close, child})
		}
	}
	return to
}

// closesCycle judges a state in which these edges are new: Cycle if one of
// them closes a cycle; else Malformed if that cannot be excluded, because a file
// that the search needed cannot be read. A cycle that can be seen goes first
// (as open_children goes before malformed), so that the answer does not
// depend on the order of the search. A cycle elsewhere, made by hand, is
// none of this operation's business.
func closesCycle(s State, added ...edge) Code {
	code := OK
	for _, e := range added {
		found, unsure := search(s, e.to, e.from)
		if found {
			return Cycle
		}
		if unsure {
			code = Malformed
		}
	}
	return code
}

// search looks for goal in all that start waits for, itself included. unsure:
// on the way it met a ticket that cannot be read, or looked for the children
// of a ticket that such a file mentions.
func search(s State, start, goal node) (found, unsure bool) {
	seen := map[node]bool{start: true}
	for todo := []node{start}; len(todo) > 0; {
		n := todo[0]
		todo = todo[1:]
		if n == goal {
			found = true
		}
		to := waits(s, n)
		looksForChildren := n.verb == Close && len(to) > 0
		if s.unreadable(n.id) || looksForChildren && s.mayHaveChild(n.id) {
			unsure = true
		}
		for _, m := range to {
			if !seen[m] {
				seen[m] = true
				todo = append(todo, m)
			}
		}
	}
	return found, unsure
}

// allEdges are the edges that begin at this ticket.
func allEdges(s State, id string) []edge {
	var edges []edge
	for _, n := range []node{{Start, id}, {Close, id}} {
		for _, m := range waits(s, n) {
			edges = append(edges, edge{n, m})
		}
	}
	return edges
}

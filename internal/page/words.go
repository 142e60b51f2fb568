package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxLines is how many lines a tree has.
const maxLines = 500

// Tree prints who waits for whom, of the whole board or around one ticket: below each ticket what
// it waits for. A ticket that stands there already is not told again.
func (b *Board) Tree(w io.Writer, id string, look Look) error {
	p := treePrinter{board: b, look: look, told: make(map[string]bool)}
	if id == "" {
		for _, root := range b.goals() {
			p.ticket(root, "", "", b.links.blockers)
		}
	} else {
		p.ticket(id, "", "", b.links.blockers)
		if waiting := b.links.blocks[id]; len(waiting) > 0 {
			p.add(row{{plain, ""}})
			p.add(row{{dim, "waiting for it:"}})
			p.told = map[string]bool{id: true}
			p.children(id, "", b.links.blocks)
		}
	}
	if p.left > 0 {
		p.add(row{{dim, "+" + counted(p.left, "more line")}})
	}
	if free := b.boardGraph().Free; id == "" && free > 0 {
		p.add(row{{dim, counted(free, "ticket") + " without any dependency"}})
	}
	_, err := io.WriteString(w, strings.Join(p.lines, "\n")+"\n")
	return err
}

// goals are the open tickets with dependencies for which nobody waits; of a cycle, which has none,
// one.
func (b *Board) goals() []string {
	var goals []string
	reached := make(map[string]bool)
	take := func(id string) {
		goals = append(goals, id)
		walk([]string{id}, len(b.Tickets)+1, reached,
			func(id string) []string { return b.links.blockers[id] })
	}
	var open []Ticket
	for _, t := range b.Tickets {
		if !t.Column.closed() && len(b.links.blockers[t.ID]) > 0 {
			open = append(open, t)
		}
	}
	for _, t := range open {
		if !slices.ContainsFunc(b.links.blocks[t.ID], b.openTicket) {
			take(t.ID)
		}
	}
	for _, t := range open {
		if !reached[t.ID] {
			take(t.ID)
		}
	}
	return goals
}

type treePrinter struct {
	board *Board
	look  Look
	told  map[string]bool
	lines []string
	left  int
}

func (p *treePrinter) add(r row) {
	if len(p.lines) >= maxLines {
		p.left++
		return
	}
	p.lines = append(p.lines, p.look.line(r))
}

// ticket prints one ticket and what is below it. What is closed is told, and nothing below it.
func (p *treePrinter) ticket(id, branch, below string, follow map[string][]string) {
	t, found := p.board.Ticket(id)
	if !found {
		p.add(row{{dim, branch}, {red, line(id, 64) + " is missing"}})
		return
	}
	state := t.Column.String()
	if t.Column == InProgress && t.Holder != nil {
		state += ", " + line(t.Holder.Name, maxMeta)
	}
	title := cmp.Or(line(t.Title, maxTitle), "(no title)")
	r := row{{dim, branch}, {columnStyles[t.Column], t.ID}, {plain, " " + title},
		{dim, " (" + strings.ToLower(state) + ")"}}
	again := p.told[id] && len(follow[id]) > 0 && !t.Column.closed()
	if again {
		r = append(r, span{dim, " see above"})
	}
	p.add(r)
	if again || t.Column.closed() || p.left > 0 {
		return
	}
	p.told[id] = true
	p.children(id, below, follow)
}

func (p *treePrinter) children(id, below string, follow map[string][]string) {
	const maxDeep = 40 // levels; what is deeper would not fit a line
	list := follow[id]
	if len(below) > maxDeep*len("│  ") {
		p.add(row{{dim, below + "…"}})
		return
	}
	for i, next := range list {
		if i == len(list)-1 {
			p.ticket(next, below+"└─ ", below+"   ", follow)
		} else {
			p.ticket(next, below+"├─ ", below+"│  ", follow)
		}
	}
}

// drawn are the tickets that a graph for another program has: all with a dependency that is not
// closed, or all that are connected with one.
func (b *Board) drawn(id string) []string {
	chosen := make(map[string]bool)
	if id != "" {
		for _, follow := range []map[string][]string{b.links.blockers, b.links.blocks} {
			walk([]string{id}, len(chosen)+len(b.Tickets)+1, chosen,
				func(id string) []string { return follow[id] })
		}
	} else {
		for i := range b.Tickets {
			t := &b.Tickets[i]
			if waits := t.waitsOn(); !t.Column.closed() && len(waits) > 0 {
				chosen[t.ID] = true
				for _, id := range waits {
					chosen[id] = true
				}
			}
		}
	}
	var ids []string
	for id := range chosen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Mermaid writes the graph for places that draw Mermaid, as GitHub does in Markdown.
func (b *Board) Mermaid(w io.Writer, id string) error {
	escape := strings.NewReplacer(`&`, "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#",
		"#35;", "`", "#96;", `\`, "#92;")
	// Only the frame has a colour, so that the text can be read on light and on dark.
	const classes = "  classDef ready stroke:#2563eb,stroke-width:2px\n  classDef progress stroke:#15803d,stroke-width:2px\n" +
		"  classDef waiting stroke:#7048c6,stroke-width:2px\n  classDef hold stroke:#b45309,stroke-width:2px\n" +
		"  classDef today stroke:#0f766e\n  classDef done stroke:#64748b\n  classDef missing stroke:#c02626,stroke-dasharray:4\n"
	return b.export(w, id, "graph LR\n", classes, func(name, key string, t Ticket) string {
		return fmt.Sprintf("  %s[\"%s<br/>%s\"]:::%s\n", name, escape.Replace(line(t.ID, 64)),
			escape.Replace(line(t.Title, maxTitle)), key)
	}, "  %s --> %s\n")
}

// Dot writes the graph for Graphviz.
func (b *Board) Dot(w io.Writer, id string) error {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	const head = "digraph tickets {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n"
	return b.export(w, id, head, "}\n", func(name, key string, t Ticket) string {
		id, title := escape.Replace(line(t.ID, 64)), escape.Replace(line(t.Title, maxTitle))
		return fmt.Sprintf("  %s [label=\"%s\\n%s\", class=%q];\n", name, id, title, key)
	}, "  %s -> %s;\n")
}

// export writes a graph: an edge leads from a ticket to one that waits for it.
func (b *Board) export(w io.Writer, id, head, end string,
	node func(name, key string, t Ticket) string, edge string) error {
	var out strings.Builder
	out.WriteString(head)
	names := make(map[string]string)
	ids := b.drawn(id)
	for i, id := range ids {
		t, found := b.Ticket(id)
		key := t.Column.Key()
		if !found {
			t, key = Ticket{ID: id, Title: "missing"}, "missing"
		}
		names[id] = fmt.Sprintf("t%d", i+1)
		out.WriteString(node(names[id], key, t))
	}
	for _, id := range ids {
		for _, blocker := range b.links.blockers[id] {
			if from := names[blocker]; from != "" {
				fmt.Fprintf(&out, edge, from, names[id])
			}
		}
	}
	out.WriteString(end)
	_, err := io.WriteString(w, out.String())
	return err
}

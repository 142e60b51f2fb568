package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// brokenPrograms are the program with one idea taken out of its source. The checkers that judge the
// program must catch each of them by the load that is named. TestHistory plays the same loads with
// the program as it is.
var brokenPrograms = []struct {
	name  string
	load  play
	edits []sourceEdit
}{
	{"no ticket lock", crowd, []sourceEdit{
		{"internal/ticketfs/door.go", `l.take(ctx, s, path+lockExt)`,
			`l.take(ctx, s, path+fmt.Sprint(os.Getpid())+lockExt)`},
		noOwn,
	}},
	{"locks the ticket instead of its lock file", crowd, []sourceEdit{
		{"internal/ticketfs/door.go", `l.take(ctx, s, path+lockExt)`, `l.take(ctx, s, path)`},
		{"internal/ticketfs/door.go", `s.locks.AcquireExisting(ctx, path)`,
			`new(flocker.Locks).AcquireExisting(ctx, path)`},
		noInodes,
		noRemoved,
		noOwn,
	}},
	{"start decided before the lock", claims, []sourceEdit{
		{"internal/tools/start.go", "	changed, err := c.change(",
			"	early, earlyErr := c.folder.Get(id)\n	if earlyErr != nil {\n		return ticketAnswer{}, earlyErr\n	}\n	changed, err := c.change("},
		{"internal/tools/start.go", "		t := d.Ticket()\n", "		t := early.Ticket()\n"},
	}},
	{"new content from an early read", crowd, []sourceEdit{
		{"internal/ticketfs/change.go", "	var read *document.Document\n",
			"	var read *document.Document\n	early, _ := f.engine.Read(ctx, id)\n"},
		{"internal/ticketfs/change.go", "read, err = f.parse(id, contents[0])",
			"read, err = f.parse(id, early)"},
	}},
	{"no relations lock, blocks", rings, []sourceEdit{noRelations}},
	{"no relations lock, families", families, []sourceEdit{noRelations}},
	{"authoritative run on a stale index", families, []sourceEdit{
		{"internal/ticketfs/door.go", "	if err := p.decide(c.Decide, c.View)",
			"	if c.Relations {\n		c.View = c.Speculate\n	}\n	if err := p.decide(c.Decide, c.View)"},
	}},
	{"stamps trusted within a second", families, []sourceEdit{
		{"internal/ticketfs/index/index.go", "	return x.stamp == stamp && stamp.Settled(x.read)\n",
			"	return x.stamp.Mtime/1e9 == stamp.Mtime/1e9\n"},
	}},
	{"lock files not compared", vandalized, []sourceEdit{noInodes, noRemoved, noOwn}},
	{"board of the own worktree in a bare layout", worktrees, []sourceEdit{
		{"internal/ticketfs/board/home.go", "	chosen, err := r.choose(",
			"	if r.root != \"\" {\n		h.root = r.root\n		return h, nil\n	}\n	chosen, err := r.choose("},
	}},
	{"deps are no blockers", dialect, []sourceEdit{
		{"internal/ticketfs/document/fields.go", "	if other := t.BlockedBy; len(other) > 0 {",
			"	if key == KeyDeps {\n		return\n	}\n	if other := t.BlockedBy; len(other) > 0 {"},
	}},
	{"a hold keeps nobody from a start", drops, []sourceEdit{
		{"internal/tools/hold.go", `	return t.Hold != "" &&`,
			`	return false && t.Hold != "" &&`},
	}},
	{"a drop takes what another holds", drops, []sourceEdit{
		{"internal/tools/close.go",
			"	if t.Status == document.StatusInProgress {\n		if err := c.mayFinish", "	if false {\n		if err := c.mayFinish"},
	}},
	{"a drop leaves what is below it", drops, []sourceEdit{
		{"internal/tools/close.go",
			"	if in.Children {\n		return c.closeAll(ctx, who, in)\n	}\n", ""},
		{"internal/tools/close.go", "		err := childrenClosed(v, in.ID)\n",
			"		err := error(nil)\n"},
	}},
	{"owners taken for dead", claims, []sourceEdit{
		{"internal/ticketfs/session/probe.go",
			"		if s.held || err == nil && s.mark.lives() {", "		if false {"},
		{"internal/ticketfs/session/probe.go", "	if s.held || m.Boot == ", "	if m.Boot == "},
		noGrace,
	}},
}

// noGrace lets the tickets of the dead be taken at once, so that a short load can show what is
// wrong with who is dead.
var noGrace = sourceEdit{"internal/ticketfs/session/grace.go", "const grace = 10 * time.Second",
	"const grace = 0 * time.Second"}

// sourceEdit is one that stands in the table without the names of its fields.
type sourceEdit servertest.Edit

var (
	noRelations = sourceEdit{"internal/ticketfs/door.go",
		`held.take(ctx, s, filepath.Join(dir, relationsLock))`, `held.take(ctx, s, paths[0]+".relations"+lockExt)`}
	// The ticket itself is opened and not locked.
	noOwn = sourceEdit{"internal/flocker/file.go", `for err = lock(open, how); errors`,
		`for err = nil; errors`}
	noInodes = sourceEdit{"internal/flocker/flocker.go",
		"	return rawfile.SameFile(locked, named), nil\n", "	return true || rawfile.SameFile(locked, named), nil\n"}
	noRemoved = sourceEdit{"internal/flocker/flocker.go",
		"	case rawfile.Removed(info):\n", "	case false && rawfile.Removed(info):\n"}
)

// maxRounds bounds how often a load is played until a broken program is caught.
const maxRounds = 60

func TestBrokenPrograms(t *testing.T) {
	needProcesses(t)
	for _, i := range longtest.Sample(len(brokenPrograms)) {
		b := brokenPrograms[i]
		t.Run(b.name, func(t *testing.T) {
			var edits []servertest.Edit
			for _, e := range b.edits {
				edits = append(edits, servertest.Edit(e))
			}
			broken := servertest.Broken(t, b.name, edits...)
			began := time.Now()
			for round := 1; ; round++ {
				h := b.load.run(t, broken, uint64(round))
				took := time.Since(began).Seconds()
				if by := h.caughtBy(); by != "" {
					t.Logf("caught in round %d of %q, after %.1f s and %d calls, by %s", round,
						b.load.name, took, round*len(h.entries), by)
					break
				}
				if round == maxRounds {
					t.Fatalf("not caught in %d rounds of %q, %.1f s", round, b.load.name,
						time.Since(began).Seconds())
				}
			}
		})
	}
}

// caughtBy says which checkers complain of a broken promise. That the system was, or that porcupine
// had no time, does not count.
func (h history) caughtBy() string {
	sortEntries(h.entries)
	_, order := h.disorder(2 * time.Second)
	minor := func(why string) bool {
		return strings.HasPrefix(why, "neither done") || strings.Contains(why, "no verdict")
	}
	var by []string
	for _, c := range []struct {
		name string
		why  []string
	}{{"porcupine", order}, {"notes", h.notesBroken()}, {"rules", h.rulesBroken()}} {
		if c.why = slices.DeleteFunc(c.why, minor); len(c.why) > 0 {
			by = append(by, fmt.Sprintf("%s (%d times, first: %s)", c.name, len(c.why), c.why[0]))
		}
	}
	return strings.Join(by, ", ")
}

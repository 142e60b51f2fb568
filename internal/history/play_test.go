package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// play is a load on a board: what lies on it, who comes, and what they ask for.
type play struct {
	name     string
	board    map[string]spec.Ticket
	sessions int // server processes at a time
	lanes    int // calls that each of them has under way at a time
	calls    int // of each lane, during one life of its session
	lives    int // of each place: sessions that are killed one after the other, but for the last
	choose   func(*hand) spec.UserInput

	blockerKey    string   // the key that the files have for blockers; "" for blocked-by
	conversations int      // that each process serves beside its own
	agents        []string // of each conversation beside itself

	closed    int  // tickets that lie there besides, closed, and that nobody asks about
	together  bool // all lanes begin each call at the same moment
	unlink    bool // remove lock files all the time
	worktrees bool // each process is started in a worktree of its own, of a bare repository
}

// hand is who makes the calls of one lane: what it remembers, and its dice.
type hand struct {
	*rand.Rand
	name string   // no other has it
	sent int      // calls
	ids  []string // of the tickets it knows
	held *holding // by its session, as far as it knows
}

// holding is what a session holds, shared by its lanes.
type holding struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (h *holding) note(e entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !e.done():
	case e.op.Verb == spec.Start, e.op.Verb == spec.StartNext:
		h.ids[e.result.ID] = true
	case e.op.Verb == spec.Close, e.op.Verb == spec.Release:
		delete(h.ids, e.op.ID)
	}
}

// any is one of the tickets that the hand's session holds, "" if there is none.
func (h *holding) any(dice *rand.Rand) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ids) == 0 {
		return ""
	}
	return slices.Sorted(maps.Keys(h.ids))[dice.IntN(len(h.ids))]
}

// run plays on a new board below the test's folder and returns what happened. Every process it
// starts has ended when it returns.
func (p play) run(t *testing.T, program string, seed uint64) history {
	t.Helper()
	dir := filepath.Join(t.TempDir(), ".tickets")
	h := history{before: p.board}
	if err := errors.Join(layOut(dir, p.board, p.blockerKey),
		layOut(dir, filler(p.closed), "")); err != nil {
		t.Fatal(err)
	}
	r := &recorder{program: program, dir: dir, began: time.Now()}
	if p.worktrees {
		starts := bareWorktrees(t, filepath.Dir(dir), p.sessions)
		for _, start := range starts {
			r.sites = append(r.sites, here("--dir", start, "--lock-timeout", "1m"))
		}
		dir = filepath.Join(starts[0], ".tickets")
	}
	h.entries = p.perform(t, r, seed)
	if err := h.readFiles(dir); err != nil {
		t.Fatal(err)
	}
	return h
}

// perform plays on a board that is there.
func (p play) perform(t *testing.T, r *recorder, seed uint64) []entry {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), playTime)
	defer end()
	errs := make([]error, p.sessions)
	var group sync.WaitGroup
	for place := range p.sessions {
		group.Go(func() {
			for life := range p.lives {
				errs[place] = errors.Join(errs[place], p.live(ctx, r, place, life, seed))
			}
		})
	}
	stop := make(chan struct{})
	var vandal sync.WaitGroup
	if p.unlink {
		vandal.Go(func() { unlinkLocks(r.dir, stop) })
	}
	group.Wait()
	close(stop)
	vandal.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("%s, seed %d: %v", p.name, seed, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s, seed %d: not finished after %s", p.name, seed, playTime)
	}
	return r.entries
}

// bareWorktrees commits the board in root and makes a bare repository of it with n worktrees. Each
// has the committed tickets; the first has HEAD's branch, and so the board of all.
func bareWorktrees(t *testing.T, root string, n int) []string {
	t.Helper()
	script := `git init -q && git add .tickets && git commit -qm tickets && git branch -qM main &&
		git clone -q --bare . p/.bare && printf 'gitdir: ./.bare\n' >p/.git && cd p && git worktree add -q 0 main`
	starts := []string{filepath.Join(root, "p", "0")}
	for i := 1; i < n; i++ {
		script += fmt.Sprintf(" && git worktree add -q -b b%d %d", i, i)
		starts = append(starts, filepath.Join(root, "p", fmt.Sprint(i)))
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("make worktrees by git: %v\n%s", err, out)
	}
	return starts
}

// playTime bounds one play, which takes seconds.
const playTime = 3 * time.Minute

// live is the life of one session, which its client ends when all calls are made, or a kill ends in
// the middle.
func (p play) live(ctx context.Context, r *recorder, place, life int, seed uint64) (err error) {
	name := fmt.Sprintf("%d-%d-%d", seed, place, life)
	s, err := r.joinAt(ctx, r.at(place), name)
	if err != nil {
		return err
	}
	talks, held := []*session{s}, []*holding{{ids: map[string]bool{}}}
	for n := range p.conversations {
		talks, held = append(talks, s.in(fmt.Sprintf("%s-c%d", name, n))), append(held,
			&holding{ids: map[string]bool{}})
	}
	killed := life < p.lives-1
	defer func() {
		if !killed {
			err = errors.Join(err, r.leave(s, p.lanesBefore(place), talks[1:]...))
		}
	}()
	dice := rand.New(rand.NewPCG(seed, uint64(place*1000+life)))
	fatal := int64(-1) // the call at which the killer comes, and how much later
	if killed {
		fatal = 1 + dice.Int64N(int64(p.calls*p.lanes))
	}
	delay := time.Duration(dice.Int64N(int64(5 * time.Millisecond)))
	var count atomic.Int64
	var group sync.WaitGroup
	for lane := range p.lanes {
		hand := &hand{Rand: rand.New(rand.NewPCG(dice.Uint64(), 0)),
			name: fmt.Sprintf("%s-%d", name, lane), held: held[lane%len(held)]}
		talk := talks[lane%len(talks)]
		hand.ids = slices.Sorted(maps.Keys(p.board))
		group.Go(func() {
			for range p.calls {
				if count.Add(1) == fatal {
					group.Go(func() {
						time.Sleep(delay)
						_ = r.kill(s, p.lanesBefore(place), talks[1:]...)
					})
				}
				op := p.choose(hand)
				if n := len(p.agents); n > 0 && op.Verb != look && hand.IntN(3) == 0 {
					op.Agent = p.agents[hand.IntN(n)]
				}
				if p.together {
					r.meet(ctx, p.sessions*p.lanes)
				}
				e := r.call(talk, p.lanesBefore(place)+1+lane, op)
				if e.lost() && !e.open {
					return
				}
				hand.sent++
				hand.held.note(e)
				if e.op.Verb == spec.Create && e.done() {
					hand.ids = append(hand.ids, e.result.ID)
				}
			}
		})
	}
	group.Wait()
	return err
}

// meet waits until n callers have come.
func (r *recorder) meet(ctx context.Context, n int) {
	r.mu.Lock()
	if r.door == nil {
		r.door = make(chan struct{})
	}
	door := r.door
	if r.waiting++; r.waiting == n {
		r.waiting, r.door = 0, nil
		close(door)
	}
	r.mu.Unlock()
	select {
	case <-door:
	case <-ctx.Done():
	}
}

// lanesBefore is where the lanes of a place stand in the picture; the first is for its deaths.
func (p play) lanesBefore(place int) int { return place * (p.lanes + 1) }

// layOut writes a board of tickets.
func layOut(dir string, board map[string]spec.Ticket, blockerKey string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	texts, err := textsOf(board, blockerKey)
	if err != nil {
		return err
	}
	for id, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, id+".md"), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// textsOf are the tickets of a board as files hold them.
func textsOf(board map[string]spec.Ticket, blockerKey string) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for id, t := range board {
		f := document.Ticket{ID: id, Title: t.Title, Status: document.Status(t.Status),
			Type: t.Type, Priority: t.Priority,
			Parent: t.Parent, Created: time.Now(), BlockerKey: blockerKey}
		for _, b := range t.BlockedBy {
			f.BlockedBy = append(f.BlockedBy, document.Blocker{ID: b})
		}
		text, err := document.New(f, "", "", "")
		if err != nil {
			return nil, err
		}
		texts[id] = text
	}
	return texts, nil
}

// readFiles adds what the board says at the end.
func (h *history) readFiles(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	tickets := map[string][]byte{}
	for _, name := range names {
		id, isTicket := strings.CutSuffix(name.Name(), ".md")
		if !isTicket || strings.HasPrefix(id, fillerID) {
			continue
		}
		if tickets[id], err = os.ReadFile(filepath.Join(dir, name.Name())); err != nil {
			return err
		}
	}
	h.readTickets(tickets)
	return nil
}

// readTickets adds what the tickets say at the end. A create that was never answered gets the id of
// the ticket it made, if any.
func (h *history) readTickets(tickets map[string][]byte) {
	h.after, h.notes = map[string]spec.Ticket{}, map[string][]string{}
	titles := map[string]string{}
	for id, content := range tickets {
		d, err := document.Parse(id, content)
		if err != nil {
			h.broken = append(h.broken, fmt.Sprintf("the file of %s at the end: %v: %q", id, err,
				content))
			continue
		}
		f := d.Ticket()
		t := spec.Ticket{Status: spec.Status(f.Status), Holder: keyIn(f.ClaimedBy),
			Agent: agentIn(f.ClaimedBy), Parent: f.Parent, Title: f.Title, Type: f.Type,
			Priority: f.Priority, Assignee: f.Assignee, CloseReason: f.CloseReason,
			Hold: f.Hold, ClosedBy: keyIn(f.ClosedBy), Resolution: spec.Resolution(f.Resolution), Links: f.Links}
		for _, b := range f.BlockedBy {
			t.BlockedBy = append(t.BlockedBy, b.ID)
		}
		h.after[id], h.notes[id], titles[t.Title] = t, d.Notes(), id
	}
	for i, e := range h.entries {
		if e.op.Verb == spec.Create && e.result.ID == "" && e.result.Code == spec.OK {
			h.entries[i].result.ID = titles[*e.op.Title]
		}
	}
}

// unlinkLocks removes every lock file of tickets and relations, again and again. No program should;
// git clean does.
func unlinkLocks(dir string, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		locks, _ := filepath.Glob(filepath.Join(dir, "*.lock"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".*.lock"))
		for _, path := range append(locks, hidden...) {
			_ = os.Remove(path)
		}
	}
}

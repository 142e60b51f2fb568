// Package demo shows on a scratch board what ticket-mcp does: real server processes work a plan as
// scripted agents, one is killed and its ticket taken over, and at the end every answered change is
// looked for in the files and in the journal.
//
// The agents are scripted, everything else is real: the processes, the protocol, the locks, the
// files. It proves less than a race does, and shows more.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// Options are how the demo is run.
type Options struct {
	Program string        // of the servers; "" for this one
	Env     []string      // of the servers, besides what they inherit
	Pace    time.Duration // how long an agent works on a ticket between two calls
	Tell    func(Event)   // told of everything that happens, by one goroutine at a time
}

// Event is something that happened.
type Event struct {
	At   time.Duration // since the demo began
	Who  string
	What string
	Bad  bool // a death
}

// Demo is a board of its own, in a temporary folder.
type Demo struct {
	Dir string // of the tickets

	root    string
	options Options
	began   time.Time

	telling sync.Mutex

	mu      sync.Mutex
	made    []change          // answered changes
	refused int               // calls
	ids     map[string]string // by the names in the plan
	titles  map[string]string // by id
	agents  []*agent
	firsts  map[string]bool

	others sync.WaitGroup // what goes on beside the agents
	failed func(error)
}

// New makes the board. Remove takes it away again.
func New(o Options) (*Demo, error) {
	root, err := makeScratch()
	if err != nil {
		return nil, fmt.Errorf("make a scratch board: %w", err)
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return nil, errors.Join(err, removeScratch(root))
		}
	}
	return &Demo{
		Dir: filepath.Join(root, folder), root: root, options: o,
		ids: make(map[string]string), titles: make(map[string]string), firsts: make(map[string]bool),
	}, nil
}

// Remove removes the board.
func (d *Demo) Remove() error { return removeScratch(d.root) }

// Run plays the demo to its end: all tickets are closed, and all processes have ended.
func (d *Demo) Run(ctx context.Context) (Report, error) {
	d.began = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.failed = cancel
	for _, name := range agentNames {
		a := &agent{demo: d, name: name}
		d.agents = append(d.agents, a)
	}
	defer func() {
		for _, a := range d.agents {
			a.stop()
		}
	}()
	if err := d.connect(ctx); err != nil {
		return Report{}, err
	}
	if err := d.agents[0].plan(ctx); err != nil {
		return Report{}, err
	}
	var group sync.WaitGroup
	for _, a := range d.agents {
		group.Go(func() {
			if err := a.work(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", a.name, err))
			}
		})
	}
	group.Wait()
	d.others.Wait()
	if ctx.Err() != nil {
		return Report{}, context.Cause(ctx)
	}
	took := time.Since(d.began)
	for _, a := range d.agents {
		a.stop()
	}
	return d.report(took)
}

// connect starts a process for each agent.
func (d *Demo) connect(ctx context.Context) error {
	errs := make([]error, len(d.agents))
	var group sync.WaitGroup
	for i, a := range d.agents {
		group.Go(func() {
			env := append(client.Environment(), d.options.Env...)
			a.server, errs[i] = client.Start(ctx, d.options.Program,
				[]string{"--dir", d.Dir, "--agent", a.name}, env)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// tell passes on what happened.
func (d *Demo) tell(who string, bad bool, what string, args ...any) {
	d.telling.Lock()
	defer d.telling.Unlock()
	if d.options.Tell != nil {
		d.options.Tell(Event{At: time.Since(d.began), Who: who, What: fmt.Sprintf(what, args...),
			Bad: bad})
	}
}

// left is how many tickets of the plan are not closed.
func (d *Demo) left() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.ids)
	for _, c := range d.made {
		if c.tool == "close" {
			n--
		}
	}
	return n
}

// first reports whether it is asked for a name the first time.
func (d *Demo) first(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := !d.firsts[name]
	d.firsts[name] = true
	return first
}

// later runs what an agent does not wait for.
func (d *Demo) later(fn func() error) {
	d.others.Go(func() {
		if err := fn(); err != nil {
			d.failed(err)
		}
	})
}

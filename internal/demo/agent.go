package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// agent is a scripted agent with a server process of its own, as a real one has.
type agent struct {
	demo   *Demo
	name   string
	server *client.Client

	ended    sync.Once
	killed   string // the id of the ticket that it held then
	takeover int
}

// change is a call that was answered with success.
type change struct{ tool, who, id, text string }

// ticket is what an answer tells of one.
type ticket struct {
	ID, Title string
	Message   string
}

const (
	waitForWork = 250 * time.Millisecond
	thinking    = 4 // times the pace that a person takes to answer
)

// call calls a tool. ok is false when it was refused.
func (a *agent) call(tool, text string, arguments map[string]any) (t ticket, ok bool, err error) {
	result, err := a.server.Call(tool, arguments)
	if err != nil {
		return t, false, err
	}
	d := a.demo
	d.mu.Lock()
	defer d.mu.Unlock()
	if result.IsError {
		if result.Code == "" {
			return t, false, fmt.Errorf("%s: %s", tool, result.Text)
		}
		d.refused++
		return t, false, nil
	}
	if err := json.Unmarshal(result.Structured, &t); err != nil {
		return t, false, fmt.Errorf("%s: %w", tool, err)
	}
	d.made = append(d.made, change{tool, a.name, t.ID, text})
	return t, true, nil
}

// must is call for what no rule forbids here.
func (a *agent) must(tool, text string, arguments map[string]any) (ticket, error) {
	t, ok, err := a.call(tool, text, arguments)
	if err == nil && !ok {
		err = fmt.Errorf("%s %v was refused", tool, arguments)
	}
	return t, err
}

// plan files the tickets, all by one call.
func (a *agent) plan(ctx context.Context) error {
	var tickets []map[string]any
	for _, t := range tasks {
		ticket := map[string]any{"name": t.name, "title": t.title, "type": t.kind,
			"priority": t.priority}
		if len(t.waits) > 0 {
			ticket["blocked_by"] = t.waits
		}
		tickets = append(tickets, ticket)
	}
	result, err := a.server.Call("plan", map[string]any{"tickets": tickets})
	if err == nil && result.IsError {
		err = errors.New(result.Text)
	}
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	var made struct{ Tickets []struct{ Name, ID string } }
	if err := json.Unmarshal(result.Structured, &made); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	d := a.demo
	d.mu.Lock()
	for _, t := range made.Tickets {
		title := taskNamed(t.Name).title
		d.ids[t.Name], d.titles[t.ID] = t.ID, title
		d.made = append(d.made, change{"plan", a.name, t.ID, title})
	}
	d.mu.Unlock()
	if len(made.Tickets) != len(tasks) {
		return fmt.Errorf("plan: %d of %d tickets were filed", len(made.Tickets), len(tasks))
	}
	d.tell(a.name, false, "filed a plan of %d tickets by one call", len(tasks))
	return a.pause(ctx, 1)
}

func (a *agent) pause(ctx context.Context, times float64) error {
	select {
	case <-time.After(time.Duration(times * float64(a.demo.options.Pace))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work starts whatever is ready, until the whole plan is closed.
func (a *agent) work(ctx context.Context) error {
	for a.demo.left() > 0 {
		t, ok, err := a.call("start", "", map[string]any{})
		if err != nil {
			return err
		}
		if !ok {
			select {
			case <-time.After(waitForWork):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if _, former, found := strings.Cut(t.Message, "taken over from "); found {
			a.takeover++
			name, _, _ := strings.Cut(former, "@")
			a.demo.tell(a.name, false, "took over “%s” from %s, which is dead", t.Title, name)
		} else {
			a.demo.tell(a.name, false, "started “%s”", t.Title)
		}
		switch task := a.demo.taskOf(t.ID); {
		case task.name == fatal && a.demo.first(fatal):
			return a.die(ctx, t)
		case task.name == open && a.demo.first(open):
			err = a.ask(ctx, t)
		default:
			err = a.finish(ctx, t, task)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask gives a ticket back that a person has to decide on. The person takes a while.
func (a *agent) ask(ctx context.Context, t ticket) error {
	if err := a.pause(ctx, 0.6); err != nil {
		return err
	}
	if _, err := a.must("release", "", map[string]any{"id": t.ID, "hold": question}); err != nil {
		return err
	}
	a.demo.tell(a.name, false, "put “%s” on hold %s", t.Title, question)
	a.demo.later(func() error {
		if err := a.pause(ctx, thinking); err != nil {
			return err
		}
		return a.demo.answer(ctx, t)
	})
	return nil
}

// finish works on a ticket that is started, and closes it.
func (a *agent) finish(ctx context.Context, t ticket, task task) error {
	if err := a.pause(ctx, 0.6); err != nil {
		return err
	}
	if _, err := a.must("note", task.note, map[string]any{"id": t.ID,
		"text": task.note}); err != nil {
		return err
	}
	a.demo.tell(a.name, false, "noted: %s", task.note)
	if err := a.pause(ctx, 1); err != nil {
		return err
	}
	if _, err := a.must("close", task.done, map[string]any{"id": t.ID,
		"reason": task.done}); err != nil {
		return err
	}
	a.demo.tell(a.name, false, "closed “%s”: %s", t.Title, task.done)
	return a.pause(ctx, 0.3)
}

// die is what happens to an agent that is killed while it holds a ticket.
func (a *agent) die(ctx context.Context, t ticket) error {
	if _, err := a.must("note", lastNote, map[string]any{"id": t.ID,
		"text": lastNote}); err != nil {
		return err
	}
	a.demo.tell(a.name, false, "noted: %s", lastNote)
	if err := a.pause(ctx, 1); err != nil {
		return err
	}
	a.killed = t.ID
	if err := a.server.Cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill: %w", err)
	}
	a.stop()
	a.demo.tell(a.name, true,
		"is killed (kill -9) while it holds “%s”; in ten seconds anybody may take that over", t.Title)
	return nil
}

// stop ends the agent's process. Of one that was killed the error is no news.
func (a *agent) stop() {
	a.ended.Do(func() {
		if a.server != nil {
			_ = a.server.Close()
		}
	})
}

func (d *Demo) taskOf(id string) task {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, of := range d.ids {
		if of == id {
			return taskNamed(name)
		}
	}
	return task{}
}

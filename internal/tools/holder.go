package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// attend begins the call: from here on it knows which conversation calls, by the request's _meta.
func (c *call) attend(ctx context.Context) {
	c.ctx = ctx
	c.own = c.ownName(ctx)
	c.client = clientName(ctx)
	from := session.Call{Meta: c.meta, Client: c.client, Agent: c.own}
	folder, err := c.open()
	if err != nil { // the tool will say what is wrong, if it needs a board
		c.conversation = c.Session.Attend("", from)
		return
	}
	c.conversation = folder.Attend(c.Session, from)
}

// Attend makes a conversation that this process was started for alive again, if it was before,
// ahead of any call.
func (b *Board) Attend() { b.newCall("").attend(context.Background()) }

// caller is who makes a call: an agent of a conversation, or a person.
type caller struct {
	session.Conversation
	person bool
	name   string // in claims
	own    string // the conversation's own name; the agent of that name is the conversation itself
	agent  string // the agent as it was named: of two long names a claim may show the same
}

// caller is who makes the call, as the agent that it names.
func (c *call) caller(agent string) caller {
	if c.Person != "" {
		return caller{Conversation: c.conversation, person: true, name: session.AgentName(c.Person)}
	}
	who := caller{Conversation: c.conversation, own: c.own}
	if who.own == "" && who.Visits() {
		// A command in an agent's shell has no client that would name itself; the server of that
		// agent has.
		if names := who.Holder("@" + who.Key).Agents; len(names) > 0 {
			who.own = names[0]
		}
	}
	who.own = session.AgentName(who.own)
	if who.name = who.own; strings.TrimSpace(agent) != "" {
		who.name, who.agent = session.AgentName(agent), strings.TrimSpace(agent)
	}
	if who.name == who.own {
		who.agent = ""
	}
	return who
}

// claim is how the caller signs in a ticket.
func (c caller) claim() string {
	if c.Key == "" && !c.person {
		return c.name
	}
	claim := session.Claim{Name: c.name}
	if !c.person {
		claim.Key = c.Key
	}
	return claim.String()
}

// holds reports whether a holder is this caller: the same agent of the same conversation, or the
// same person.
func (c caller) holds(h session.Holder) bool {
	if c.person {
		return h.Person() && h.Name == c.name
	}
	if h.Key == "" || h.Key != c.Key {
		return false
	}
	// The conversation itself also holds what it took under another name, before its client was
	// called so; but not what another of its processes calls its own.
	renamed := c.name == c.own && slices.Contains(h.Agents, h.Name) &&
		!slices.Contains(h.Elsewhere, h.Name)
	return h.Name == c.name || renamed
}

// mayFinishFor reports whether this caller may close or release what a holder holds: its own; as
// the conversation itself, what any agent of it holds; as an agent, what the conversation itself
// holds.
func (c caller) mayFinishFor(h session.Holder) bool {
	if c.person || h.Key == "" || h.Key != c.Key {
		return c.holds(h)
	}
	return c.name == c.own || h.Name == c.name || h.Name == c.own ||
		slices.Contains(h.Agents, h.Name)
}

// started is what this process knows beyond the files: which tickets its conversations started and
// have not finished, and which agent it was that last claimed one.
type started struct {
	mu      sync.Mutex
	tickets map[[2]string]bool   // key of the conversation and id
	agents  map[[2]string]string // likewise
}

// claims notes, under the lock of the ticket, which agent is about to claim it.
func (s *started) claims(c caller, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.agents == nil {
		s.agents = make(map[[2]string]string)
	}
	s.agents[[2]string{c.Key, id}] = c.agent
}

// another reports whether the agent that claimed a ticket in this process is another one, whose
// name looks the same in a claim.
func (s *started) another(c caller, id string) bool { return s.itsName(c, id) != "" }

// itsName is how that other agent is named; "" where it is no other one.
func (s *started) itsName(c caller, id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if agent := s.agents[[2]string{c.Key, id}]; c.agent != "" && agent != c.agent {
		return agent
	}
	return ""
}

func (s *started) mark(c caller, id string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets == nil {
		s.tickets = make(map[[2]string]bool)
	}
	if yes {
		s.tickets[[2]string{c.Key, id}] = true
	} else {
		delete(s.tickets, [2]string{c.Key, id})
	}
}

func (s *started) has(c caller, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tickets[[2]string{c.Key, id}]
}

// settle readies the caller for a claim on a ticket that exists: that it lives can be seen before
// its name stands anywhere.
func (c *call) settle(id string) error {
	folder, err := c.open()
	if err != nil {
		return err
	}
	if err := folder.Meets(id); err != nil {
		return err
	}
	if c.Person != "" {
		return nil // lives until they give back
	}
	claimed, err := c.conversation.Claim()
	if errors.Is(err, session.ErrNoSession) {
		return ticketfs.Refuse(ticketfs.Invalid,
			"start it by the MCP tool start, or run your commands under: ticket-mcp session -- COMMAND",
			"this shell belongs to an agent, and no server of its conversation shows that it lives; a claim would look abandoned when this command ends")
	}
	c.conversation = claimed
	return ticketfs.Refused(err)
}

// holder tells of the holder of a started ticket, to whoever calls.
func (c *call) holder(t document.Ticket) session.Holder {
	h := c.conversation.Holder(t.ClaimedBy)
	if c.Person != "" && h.Person() && h.Name == session.AgentName(c.Person) {
		h.Life = session.Mine
	}
	return h
}

// mayFinish judges whether a caller may close or release a started ticket: its own, one that nobody
// claims, or one whose holder is dead. Not one whose holder lives or cannot be seen, and not one
// that this conversation held until another took it.
func (c *call) mayFinish(who caller, t document.Ticket, tool string) error {
	if t.Status != document.StatusInProgress {
		next := "start it first"
		if t.Status == document.StatusClosed {
			next = "nothing is left to do; see show"
		}
		return wrongStatus(t, tool, "in_progress", next)
	}
	h := c.holder(t)
	switch {
	case t.ClaimedBy == "", who.mayFinishFor(h) &&
		!c.started.another(who, t.ID), h.Life == session.Dead && !c.started.has(who, t.ID):
		return nil
	case h.Life == session.Mine:
		next := fmt.Sprintf("let %s %s it", h.Name, tool)
		if name := c.started.itsName(who, t.ID); name != "" && h.Name == who.name {
			next = fmt.Sprintf("if you are the agent that started it, give the name as at its start, %q",
				oneLine(name, maxTitle))
		}
		return ticketfs.Refuse(ticketfs.Claimed,
			next+", or leave agent out: the conversation itself may", "%s is held by %s", t.ID,
			c.held(t, h))
	case c.started.has(who, t.ID):
		return ticketfs.Refuse(ticketfs.Claimed,
			"leave it, and add a note if something must be known", "%s was taken over from this session by %s", t.ID, c.held(t, h))
	case h.Life == session.Unknown:
		return ticketfs.Refuse(ticketfs.Claimed,
			"if nobody works on it any more, start it with takeover: true, then "+tool, "%s is held by %s", t.ID, c.held(t, h))
	}
	return ticketfs.Refuse(ticketfs.Claimed, "leave it to its holder, or add a note",
		"%s is held by %s", t.ID, c.held(t, h))
}

// held names a holder, since when, and what can be told of them.
func (c *call) held(t document.Ticket, h session.Holder) string {
	if t.ClaimedBy == "" {
		return "an unnamed holder"
	}
	text := oneLine(t.ClaimedBy, maxTitle)
	if h.Person() {
		text = h.Name + " (a person)"
	}
	if !t.ClaimedAt.IsZero() {
		text += " since " + stamp(t.ClaimedAt)
	}
	switch {
	case h.Life == session.Mine && !h.Person():
		return text + " (this session)"
	case h.Person():
		return text
	case h.Life == session.Unknown:
		return text + " (liveness unknown: other host or no session file)"
	case h.Life == session.Alive:
		return text + " (alive" + c.lastCalled(h) + ")"
	}
	return fmt.Sprintf("%s (%s)", text, h.Life)
}

// lastCalled says when a living holder last called, and which process that was, so that a person
// can judge whether it still knows of its ticket.
func (c *call) lastCalled(h session.Holder) (text string) {
	if !h.LastCalled.IsZero() {
		text = ", last called " + ago(c.Now().Sub(h.LastCalled))
	}
	if h.PID != 0 {
		text += fmt.Sprintf(", pid %d", h.PID)
	}
	return text
}

// ago is a time that has passed, in words.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}

// seconds is a wait in whole seconds, never too short.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%d s", (d+time.Second-1)/time.Second)
}

// stamp is how times stand in tickets and answers.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

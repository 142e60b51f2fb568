package history_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// never is the moment of an answer that did not come.
const never = math.MaxInt64

// Verbs of a history that are no operations of the specification.
const (
	look  spec.Verb = "show"
	death spec.Verb = "dies" // the end of the session, by a kill or by its client
)

// entry is one call of a history, or a death.
type entry struct {
	op        spec.UserInput // what was asked
	part      spec.Verb      // of the call that this is a part of, "" for a whole one
	session   string         // key of the session that asked, or that died
	lane      int            // where the picture shows it
	sent, got int64          // in nanoseconds since the history began

	// what was answered; for a create without an answer the ID, when its ticket was found
	result spec.Result
	seen   *spec.Ticket // by a show
	fault  string       // an answer that is neither done nor refused
	words  string       // of the answer
	open   bool         // answered, but nobody knows whether it happened: as good as lost
	stale  bool         // the answer said that it may be old

	// of a lost call of which the journal says that it happened: when it had at last, else 0
	by   int64
	next json.RawMessage // the ticket that a close started after it
}

func (e entry) lost() bool { return e.got == never }

// happened reports whether a lost call is known to have had its effect.
func (e entry) happened() bool { return e.by > 0 }

func (e entry) done() bool { return !e.lost() && e.fault == "" && e.result.Code == spec.OK }

// about is the ticket that an entry concerns, "" if none.
func (e entry) about() string { return cmp.Or(e.op.ID, e.result.ID) }

func (e entry) String() string {
	answer := "done"
	switch {
	case e.op.Verb == death:
		return fmt.Sprintf("death of %s [%s]", e.session, e.when())
	case e.happened():
		answer = "no answer, but it happened"
	case e.open:
		answer = "may have happened"
	case e.lost():
		answer = "no answer"
	case e.fault != "":
		answer = "fault: " + e.fault
	case e.result.Code != spec.OK:
		answer = "refused: " + cmp.Or(e.words, string(e.result.Code))
	case e.seen != nil:
		answer = stateOf(*e.seen).String()
	case e.result.AlreadyYours:
		answer = "already yours"
	case e.result.TakenOver:
		answer = "taken over from " + e.result.From
	}
	return fmt.Sprintf("%s by %s [%s]: %s", e.asked(), e.caller(), e.when(), answer)
}

// caller is the session, and the agent of it if it is a named one.
func (e entry) caller() string { return strings.TrimPrefix(e.op.Agent+"@"+e.session, "@") }

func (e entry) when() string {
	end := "never"
	if !e.lost() {
		end = fmt.Sprintf("%.3f", float64(e.got)/1e6)
	}
	return fmt.Sprintf("%.3f-%s ms", float64(e.sent)/1e6, end)
}

// asked is the call in words: start(a), block(a, blocked_by=b).
func (e entry) asked() string {
	arguments, _ := json.Marshal(argumentsOf(e.op))
	if id := e.about(); e.op.ID == "" && id != "" {
		return fmt.Sprintf("%s%s -> %s", e.op.Verb, arguments, id)
	}
	return fmt.Sprintf("%s%s", e.op.Verb, arguments)
}

// argumentsOf are the arguments of an operation as the tool takes them.
func argumentsOf(u spec.UserInput) map[string]any {
	arguments := map[string]any{}
	for name, text := range map[string]string{"id": u.ID, "reason": u.Reason, "text": u.Text,
		"blocked_by": u.Blocker, "agent": u.Agent,
		"resolution": string(u.Resolution), "duplicate_of": u.DuplicateOf} {
		if text != "" {
			arguments[name] = text
		}
	}
	for name, text := range map[string]*string{"title": u.Title, "type": u.Type,
		"assignee": u.Assignee, "parent": u.Parent, "hold": u.Hold} {
		if text != nil {
			arguments[name] = *text
		}
	}
	if u.Priority != nil {
		arguments["priority"] = *u.Priority
	}
	for name, yes := range map[string]bool{"takeover": u.Takeover, "children": u.Children,
		"next": u.Next} {
		if yes {
			arguments[name] = true
		}
	}
	if len(u.BlockedBy) > 0 {
		arguments["blocked_by"] = u.BlockedBy
	}
	return arguments
}

// mayHave is how an answer begins that does not know its outcome.
const mayHave = "unreachable: it may have happened"

var takenFrom = regexp.MustCompile(`taken over from (?:\S*@([0-9a-f]{12})|an unnamed holder)`)

// read takes the facts from an answer.
func (e *entry) read(line json.RawMessage) {
	var m struct {
		Error  *struct{ Message string }
		Result struct {
			Content           []struct{ Text string }
			StructuredContent struct {
				ID, Title, Status, Type, Assignee, Message string
				Priority                                   int
				Hold                                       string
				AsOf                                       string `json:"as_of"`
				Resolution                                 spec.Resolution
				ClosedBy                                   string `json:"closed_by"`
				CloseReason                                string `json:"close_reason"`
				Dropped                                    []string
				Next                                       json.RawMessage
				ClaimedBy                                  string `json:"claimed_by"`
				Parent                                     struct{ ID string }
				BlockedBy                                  []struct{ ID string } `json:"blocked_by"`
			}
			IsError bool
			Meta    struct{ Code spec.Code } `json:"_meta"`
		}
	}
	err := json.Unmarshal(line, &m)
	for _, part := range m.Result.Content {
		e.words += part.Text
	}
	answer := m.Result.StructuredContent
	switch {
	case err != nil:
		e.fault = err.Error()
	case m.Error != nil:
		e.fault = m.Error.Message
	case m.Result.IsError && m.Result.Meta.Code == "":
		e.fault = e.words
	case m.Result.Meta.Code == spec.Unreachable && strings.HasPrefix(e.words, mayHave):
		e.got, e.open = never, true
	case m.Result.IsError:
		e.result.Code = m.Result.Meta.Code
	case e.op.ID != "" && answer.ID != e.op.ID:
		e.fault = fmt.Sprintf("asked for %s, the answer is about %q", e.op.ID, answer.ID)
	case e.op.Verb == look:
		e.stale = answer.AsOf != ""
		t := spec.Ticket{Status: spec.Status(answer.Status), Title: answer.Title, Type: answer.Type,
			Priority: answer.Priority,
			Assignee: answer.Assignee, CloseReason: answer.CloseReason, Holder: keyIn(answer.ClaimedBy), Agent: agentIn(answer.ClaimedBy), Parent: answer.Parent.ID,
			Hold: answer.Hold, Resolution: answer.Resolution, ClosedBy: keyIn(answer.ClosedBy)}
		for _, b := range answer.BlockedBy {
			t.BlockedBy = append(t.BlockedBy, b.ID)
		}
		e.seen = &t
	case e.op.Verb == spec.Close:
		e.result.Dropped, e.next = answer.Dropped, answer.Next
	case e.op.Verb == spec.Start, e.op.Verb == spec.StartNext:
		if keyIn(answer.ClaimedBy) != e.session || agentIn(answer.ClaimedBy) != e.op.Agent {
			e.fault = "the claim is " + answer.ClaimedBy
		}
		e.result.AlreadyYours = strings.Contains(answer.Message, "is already yours")
		if from := takenFrom.FindStringSubmatch(answer.Message); from != nil {
			e.result.TakenOver, e.result.From = true, from[1]
		}
	}
	e.result.ID = answer.ID
}

// parts are the entry and, of a close that is more than one change, those of the other tickets:
// each has taken effect at some moment of the call.
func (e entry) parts() []entry {
	parts := []entry{e}
	part := func(op spec.UserInput) entry {
		op.Agent = e.op.Agent
		return entry{op: op, part: e.op.Verb, session: e.session, lane: e.lane, sent: e.sent,
			got: e.got}
	}
	for _, id := range e.result.Dropped {
		below := part(spec.UserInput{Verb: spec.Close, ID: id, Resolution: spec.Dropped,
			Reason: e.op.Reason})
		below.result.ID = id
		parts = append(parts, below)
	}
	if next := part(spec.UserInput{Verb: spec.StartNext}); e.op.Next && e.lost() {
		parts = append(parts, next)
	} else if len(e.next) > 0 && string(e.next) != "null" {
		// cannot fail: it was read
		line, _ := json.Marshal(map[string]any{"result": map[string]any{"structuredContent": e.next}})
		next.read(line)
		parts = append(parts, next)
	}
	return parts
}

// keyIn is the session's key in a claim.
func keyIn(claim string) string { return claim[strings.LastIndexByte(claim, '@')+1:] }

// clientName is the name of the client, under which the session itself signs.
const clientName = "history"

// agentIn is the named agent in a claim, "" for the session itself.
func agentIn(claim string) string {
	agent, _, _ := strings.Cut(claim, "@")
	if agent == clientName {
		return ""
	}
	return agent
}

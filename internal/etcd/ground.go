//go:build etcd

package etcd

import (
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// What a transaction has to compare follows from the bytes before and after, not from the tool that
// asks: whoever changes what rules of other tickets depend on is met by those rules.

// ground is what of a ticket the rules of other tickets depend on. The zero value is no ticket.
type ground struct {
	there     bool
	unread    string // what stands in place of a ticket, where it cannot be read
	status    document.Status
	parent    string
	blockers  []string
	hold      string
	holdUntil time.Time
}

func (g ground) equal(other ground) bool {
	return g.there == other.there && g.unread == other.unread && g.status == other.status &&
		g.parent == other.parent && slices.Equal(g.blockers, other.blockers) &&
		g.hold == other.hold && g.holdUntil.Equal(other.holdUntil)
}

// text is a ticket's bytes, and what they say.
type text struct {
	bytes    []byte
	document *document.Document // nil for none, or one that cannot be read
}

// textOf reads bytes. read is what somebody else has made of them already, nil for nothing.
func textOf(id string, content []byte, read *document.Document) text {
	t := text{content, read}
	if content != nil && (read == nil || string(read.Bytes()) != string(content)) {
		t.document, _ = document.Parse(id, content) // malformed is what nil says
	}
	return t
}

func (t text) ground() ground {
	switch {
	case t.bytes == nil:
		return ground{}
	case t.document == nil:
		return ground{there: true, unread: string(t.bytes)}
	}
	read := t.document.Ticket()
	g := ground{there: true, status: read.Status, parent: read.Parent, hold: read.Hold,
		holdUntil: read.HoldUntil}
	for _, b := range read.BlockedBy {
		g.blockers = append(g.blockers, b.ID)
	}
	return g
}

// claim is the text that says who holds the ticket, "" for nobody.
func (t text) claim() string {
	if t.document == nil {
		return ""
	}
	return t.document.Ticket().ClaimedBy
}

// keyIn is the key of the one that a claim names, "" for a person and for whoever is not
// known.
func keyIn(claim string) string { return session.ParseClaim(claim).Key }

// started reports whether the ticket is in progress.
func (t text) started() bool {
	return t.document != nil && t.document.Ticket().Status == document.StatusInProgress
}

// edit is one write of a change: a ticket's text before and after.
type edit struct {
	id            string
	n             int // among the tickets of the change
	before, after text
	write         ticketfs.Write
}

// claims are the conversations whose marks a change of claims depends on: those that must have one,
// and those that must have none, since a ticket is taken from them.
type claims struct{ living, ended []string }

func (c *claims) of(e edit) {
	before, after := e.before.claim(), e.after.claim()
	if after == before || after == "" {
		return
	}
	from, to := keyIn(before), keyIn(after)
	if to != "" && !slices.Contains(c.living, to) {
		c.living = append(c.living, to)
	}
	// A claim that another program left in a ticket which is not started holds nothing.
	if e.before.started() && from != "" && from != to && !slices.Contains(c.ended, from) {
		c.ended = append(c.ended, from)
	}
}

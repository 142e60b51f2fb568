//go:build etcd

package etcd

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// keys are the names of a board's keys, all under one prefix.
type keys struct{ prefix string }

// DefaultPrefix is what all boards of a cluster lie under.
const DefaultPrefix = "/ticket-mcp"

func keysOf(prefix, board string) keys { return keys{prefix + "/" + board + "/"} }

// meta says what the board is: see type meta.
func (k keys) meta() string { return k.prefix + "meta" }

// tip is put by every transaction and compared by none: its revision tells how far a board is.
func (k keys) tip() string { return k.prefix + "tip" }

// relations is put by every change of what rules of other tickets depend on.
func (k keys) relations() string { return k.prefix + "relations" }

// tickets is the prefix of all tickets.
func (k keys) tickets() string { return k.prefix + "t/" }

// ticket holds a ticket's bytes.
func (k keys) ticket(id string) string { return k.tickets() + id }

// sessions is the prefix of all marks.
func (k keys) sessions() string { return k.prefix + "s/" }

// marks is the prefix of a conversation's marks: it lives while there is one.
func (k keys) marks(conversation string) string { return k.sessions() + conversation + "/" }

// mark is that of one process.
func (k keys) mark(conversation, lease string) string { return k.marks(conversation) + lease }

// slot tells how far the operations of a process are.
func (k keys) slot(process string, n int) string {
	return k.prefix + "op/" + process + "/" + strconv.Itoa(n)
}

// rows is the prefix of the journal's rows.
func (k keys) rows() string { return k.prefix + "j/" }

// row holds the rows of one operation, a line each. Operations sort by time.
func (k keys) row(operation string) string { return k.rows() + operation }

// queue is the prefix of those who wait for a ticket, or for the relations.
func (k keys) queue(what string) string { return k.prefix + "q/" + what + "/" }

// format is the form of all these keys and what they hold.
const format = 1

// state is what may be done on a board.
type state string

const (
	stateOpen    state = "open"
	stateClosing state = "closing" // it is on its way back to a board of one machine
)

// meta is what a board says of itself. Every transaction compares that it is as it was.
type meta struct {
	Format int   `json:"format"`
	State  state `json:"state"`
	// Epoch counts how often the cluster was restored from a copy.
	Epoch int `json:"epoch"`
}

func (m meta) encode() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode meta: %v", err)) // numbers and a text
	}
	return string(text)
}

func decodeMeta(text []byte) (meta, error) {
	var m meta
	if err := json.Unmarshal(text, &m); err != nil {
		return meta{}, fmt.Errorf("read meta: %w", err)
	}
	if m.Format != format {
		return meta{}, &formatError{m.Format}
	}
	return m, nil
}

// formatError says that another version of the program made the board.
type formatError struct{ format int }

func (e *formatError) Error() string {
	return fmt.Sprintf("the board has format %d, this program knows %d", e.format, format)
}

package tools

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// cursor is what a wait has seen, as another process can compare it: nothing is kept anywhere. Of
// few ready tickets it has a number each, so that those which go are no news; of all else one
// digest.
type cursor struct {
	numbers []uint32 // of ids; nil where there is only a digest
	digest  uint64
}

// maxNumbers is the number of ready tickets beyond which a cursor has only their digest: then there
// is enough to start.
const maxNumbers = 50

// number is the beginning of a hash.
func number(sum []byte) uint64 { return binary.BigEndian.Uint64(sum) }

func idNumber(id string) uint32 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint32(sum[:])
}

// digestOf is one number for tickets and what each of them is.
func digestOf(files map[string]uint64) uint64 {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %x\n", id, files[id])
	}
	return number(h.Sum(nil))
}

// cursorOf encodes what was seen, so that nobody takes it for something to compose. "" before
// anything was.
func cursorOf(kind byte, files map[string]uint64) string {
	if files == nil {
		return ""
	}
	text := []byte{kind}
	if kind == forReady && len(files) <= maxNumbers {
		text = append(text, 'n')
		for _, id := range slices.Sorted(maps.Keys(files)) {
			text = binary.BigEndian.AppendUint32(text, idNumber(id))
		}
	} else {
		text = binary.BigEndian.AppendUint64(append(text, 'd'), digestOf(files))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor reads what cursorOf wrote for the same kind of wait; nil for "".
func readCursor(kind byte, text string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	unknown := ticketfs.Refuse(ticketfs.Invalid,
		"use cursor of an answer of wait for the same, or leave it out", "unknown cursor %.60q", text)
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 2 || b[0] != kind {
		return nil, unknown
	}
	switch rest := b[2:]; {
	case b[1] == 'd' && len(rest) == 8:
		return &cursor{digest: number(rest)}, nil
	case b[1] == 'n' && kind == forReady && len(rest)%4 == 0 && len(rest) <= 4*maxNumbers:
		c := &cursor{numbers: []uint32{}}
		for ; len(rest) > 0; rest = rest[4:] {
			c.numbers = append(c.numbers, binary.BigEndian.Uint32(rest))
		}
		return c, nil
	}
	return nil, unknown
}

// unknown are the tickets that the cursor has not seen: of a digest all, unless it is of these.
func (c *cursor) unknown(files map[string]uint64) (fresh []string) {
	if c.numbers == nil && c.digest == digestOf(files) {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(files)) {
		if !slices.Contains(c.numbers, idNumber(id)) {
			fresh = append(fresh, id)
		}
	}
	return fresh
}

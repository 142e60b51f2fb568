package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Content returns the file of a new ticket. What cannot be a ticket, because it is too large or has
// a character that a file must not have, is an error. now is the time of creation and close where
// theirs is not known.
func (n New) Content(source string, now time.Time) ([]byte, error) {
	now = now.UTC().Truncate(time.Second)
	t := n.Item.Ticket
	t.ID, t.Parent, t.Links, t.ExternalRef = n.ID, n.Parent, n.Links, n.Item.Ref
	for _, id := range n.BlockedBy {
		t.BlockedBy = append(t.BlockedBy, document.Blocker{ID: id})
	}
	if t.Created.IsZero() {
		t.Created = now
	}
	var more []document.Edit
	if t.Status == document.StatusClosed {
		if t.Closed.IsZero() {
			t.Closed = now
		}
		more = append(more, document.Set("status", string(t.Status)),
			document.Set("closed", t.Closed.Format(time.RFC3339)))
		if t.CloseReason != "" {
			more = append(more, document.Set("close-reason", t.CloseReason))
		}
		if t.Resolution != "" {
			more = append(more, document.Set("resolution", t.Resolution))
		}
		t.Status, t.Closed, t.CloseReason, t.Resolution = document.StatusOpen, time.Time{}, "", ""
	}
	content, err := document.NewWithBody(t, document.JoinBody(n.Item.Description, n.Item.Sections),
		more...)
	if err != nil {
		return nil, err
	}
	extra, err := n.extra()
	if err != nil || extra == "" {
		return content, err
	}
	// A map of theirs stays a map, on a line of its own: as a text it could not be read, nor
	// edited.
	head, body, _ := bytes.Cut(content, []byte("\n---\n"))
	content = slices.Concat(head, []byte("\nx-"+source+": "+extra+"\n---\n"), body)
	with, err := document.Parse(n.ID, content)
	if err != nil {
		return nil, err
	}
	without, err := document.Parse(n.ID, slices.Concat(head, []byte("\n---\n"), body))
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(with.Ticket(), without.Ticket()) {
		return nil, errors.New("what has no home here would change its fields")
	}
	return content, nil
}

// extra is what has no home here, as JSON on one line, which YAML reads as well.
func (n New) extra() (string, error) {
	all := n.Item.Extra
	if len(n.Item.edges) > 0 {
		all = make(map[string]any, len(n.Item.Extra)+1)
		for key, value := range n.Item.Extra {
			all[key] = value
		}
		all["edges"] = n.Item.edges
	}
	if len(all) == 0 {
		return "", nil
	}
	return flow(all)
}

// flow writes a value as JSON that YAML reads as the same.
func flow(value any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", err
	}
	var text strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if 0x7F <= r && r <= 0x9F || r == 0xFEFF || r == 0xFFFE || r == 0xFFFF {
			fmt.Fprintf(&text, `\u%04x`, r)
		} else {
			text.WriteRune(r)
		}
	}
	return text.String(), nil
}

package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Content returns the file of a new ticket. What cannot be a ticket, because it is too large or has a character that a file
// must not have, is an error. now is the time of creation and close where theirs is not known.
func (n New) Content(source string, now time.Time) ([]byte, error) {
	t := n.Item.Ticket
	t.ID, t.Parent = n.ID, n.Parent
	for _, id := range n.BlockedBy {
		t.BlockedBy = append(t.BlockedBy, document.Blocker{ID: id})
	}
	if t.Created.IsZero() {
		t.Created = now.UTC().Truncate(time.Second)
	}
	closed, reason := t.Closed, t.CloseReason
	if closed.IsZero() {
		closed = now.UTC().Truncate(time.Second)
	}
	isClosed := t.Status == document.StatusClosed
	t.Status, t.Closed, t.CloseReason = document.StatusOpen, time.Time{}, ""
	content, err := document.New(t, document.JoinBody(n.Item.Description, n.Item.Sections), "", "")
	if err != nil {
		return nil, err
	}

	var lines strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&lines, "%s: %s\n", key, value)
		}
	}
	if isClosed {
		t.Status, t.Closed, t.CloseReason = document.StatusClosed, closed, reason
		content = bytes.Replace(content, []byte("\nstatus: open\n"), []byte("\nstatus: closed\n"), 1)
		line("closed", closed.Format(time.RFC3339))
		line("close-reason", quote(reason))
		line("resolution", quote(n.Item.Resolution))
	} else {
		line("hold", quote(n.Item.Hold))
		line("hold-until", when(n.Item.HoldUntil))
	}
	line("tags", list(n.Item.Tags))
	line("links", list(n.Links))
	line("external-ref", quote(n.Item.Ref))
	extra, err := n.extra()
	if err != nil {
		return nil, err
	}
	line("x-"+source, extra)
	head, body, _ := bytes.Cut(content, []byte("\n---\n"))
	content = bytes.Join([][]byte{head, []byte("\n" + lines.String() + "---\n"), body}, nil)

	d, err := document.Parse(n.ID, content)
	if err != nil {
		return nil, err
	}
	got := d.Ticket()
	t.BlockerKey, t.Tags, t.Links, t.ExternalRef = document.KeyBlockedBy, got.Tags, got.Links, n.Item.Ref
	t.Resolution, t.Hold, t.HoldUntil, t.Raw = got.Resolution, got.Hold, got.HoldUntil, got.Raw
	if !reflect.DeepEqual(got, t) {
		return nil, errors.New("a ticket cannot hold all of its fields")
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

// plain are texts that YAML reads as themselves, as texts.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

var notText = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)

// quote writes a text as YAML on one line, "" as nothing.
func quote(text string) string {
	if text == "" || plain.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	quoted, err := flow(text)
	if err != nil {
		panic(err) // a text can be written
	}
	return quoted
}

// aTime is a date or a time, which is written without quotes.
var aTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d))?$`)

func when(text string) string {
	if aTime.MatchString(text) {
		return text
	}
	return quote(text)
}

func list(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(oneLine(text))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

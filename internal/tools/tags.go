package tools

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Tags are words that group tickets. Letter case does not tell them apart.

// maxTag is the length of the longest tag that a tool writes, in characters.
const maxTag = 50

// checkTags returns tags as they are to be written: trimmed, none twice.
func checkTags(given []string) ([]string, error) {
	var tags []string
	for _, tag := range given {
		tag = strings.TrimSpace(tag)
		switch {
		case tag == "", utf8.RuneCountInString(tag) > maxTag, strings.ContainsFunc(tag,
			func(r rune) bool { return r == ',' || unicode.IsControl(r) }):
			return nil, ticketfs.Refuse(ticketfs.Invalid, "use short words, like api or ui",
				"%.80q is no tag: one line of 1 to %d characters, without a comma", tag, maxTag)
		case !hasTag(tags, tag):
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// Lane reads the tags of a server, set apart by commas: start without an id and ready keep to
// tickets that have one of them.
func Lane(text string) ([]string, error) {
	given := strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
	return checkTags(given)
}

func hasTag(tags []string, tag string) bool {
	return slices.ContainsFunc(tags, func(other string) bool { return fold(other) == fold(tag) })
}

// tagsEdit makes these all tags of a ticket.
func tagsEdit(tags []string) document.Edit {
	if len(tags) == 0 {
		return document.Remove("tags")
	}
	return document.SetList("tags", tags...)
}

// shownTags are the tags of a ticket for an answer. Other programs may have written any number, of
// any length.
func shownTags(t document.Ticket) []string {
	const most = 10
	var shown []string
	for _, tag := range t.Tags[:min(most, len(t.Tags))] {
		if tag = oneLine(tag, maxTag); tag != "" {
			shown = append(shown, tag)
		}
	}
	return shown
}

// lane is the tags to look for: the one that is asked for, else those of the server, of which a
// ticket needs one.
func (b *Board) lane(tag string) []string {
	if tag = strings.TrimSpace(tag); tag != "" {
		return []string{tag}
	}
	return b.Tags
}

// outsideLane says where else to look when nothing is ready in the server's lane.
func (c *call) outsideLane(wanted readyQuery) string {
	if len(c.Tags) == 0 || !slices.Equal(wanted.tags, c.Tags) {
		return ""
	}
	wanted.tags = nil
	l, err := c.readyList(wanted)
	if err != nil || l.total == 0 {
		return ""
	}
	return fmt.Sprintf("; this server keeps to tickets tagged %s: %d without them are ready, by another tag or by id",
		strings.Join(c.Tags, " or "), l.total)
}

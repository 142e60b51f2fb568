package tools

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// fold is a text in the form in which texts are compared: letter case, the ways to write one
// character, and runs of blanks do not count.
func fold(s string) string {
	ascii := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	if ascii {
		s = strings.ToLower(s)
	} else {
		s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	}
	if ascii && spaced(s) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// spaced reports whether the words of an ASCII text are set apart by one space each.
func spaced(s string) bool {
	blank := true // before the first word
	for _, c := range []byte(s) {
		switch c {
		case '\t', '\n', '\v', '\f', '\r':
			return false
		case ' ':
			if blank {
				return false
			}
			blank = true
		default:
			blank = false
		}
	}
	return !blank || s == ""
}

// query is the words that a ticket must have, folded: all of them, in any order, in its id, title,
// tags or body.
type query []string

func newQuery(text string) query {
	var q query
	for _, word := range strings.Fields(fold(text)) {
		// Marks around a word, as in `"parser",` or #d5a, are not part of it.
		trimmed := strings.TrimFunc(word,
			func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) })
		q = append(q, cmp.Or(trimmed, word))
	}
	return q
}

// The weights of the places where a word may be found: the better a place says what a ticket is
// about, the more.
const (
	isID     = 100
	beginsID = 40
	isWord   = 20 // of the title
	inTags   = 15
	inTitle  = 10
	inID     = 5
	inBody   = 1
)

// score says how well a ticket matches: more is better. hits are how many words it has; it matches
// when it has all. The body is looked at only for a word that is nowhere else.
func (q query) score(t document.Ticket, body func(word string) bool) (score, hits int) {
	if len(q) == 0 {
		return 0, 0
	}
	id, title := fold(t.ID), fold(t.Title)
	for _, word := range q {
		found := 0
		switch {
		case word == id:
			found = isID
		case strings.HasPrefix(id, word):
			found = beginsID
		case hasWord(title, word):
			found = isWord
		case hasTag(t.Tags, word):
			found = inTags
		case strings.Contains(title, word):
			found = inTitle
		case strings.Contains(id, word):
			found = inID
		case body(word):
			found = inBody
		}
		if found > 0 {
			hits++
		}
		score += found
	}
	return score, hits
}

// hasWord reports whether one of the runs of letters and digits in a text is the word.
func hasWord(text, word string) bool {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	if strings.IndexFunc(word, apart) >= 0 {
		return false
	}
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		begins, ends := from+at, from+at+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:begins])
		after, _ := utf8.DecodeRuneInString(text[ends:])
		if (begins == 0 || apart(before)) && (ends == len(text) || apart(after)) {
			return true
		}
		from = ends
	}
}

// nearest are the few tickets that come closest to a query that nothing matches: those that have
// most of its words, then those whose id and title look most alike, whatever their letters' order.
func (q query) nearest(v *ticketfs.Snapshot) []row {
	const most = 3
	type near struct {
		row         row
		hits, alike int
	}
	wanted := trigrams(strings.Join(q, " "))
	var best []near
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		if err != nil {
			continue
		}
		n := near{row: shortRow(t)}
		_, n.hits = q.score(t, func(string) bool { return false })
		text := " " + fold(t.ID+" "+t.Title) + " "
		for gram := range wanted {
			if strings.Contains(text, gram) {
				n.alike++
			}
		}
		if n.hits > 0 || 3*n.alike >= len(wanted) {
			best = append(best, n)
		}
	}
	slices.SortStableFunc(best,
		func(a, b near) int { return cmp.Or(b.hits-a.hits, b.alike-a.alike) })
	var rows []row
	for _, n := range best[:min(most, len(best))] {
		rows = append(rows, n.row)
	}
	return rows
}

// trigrams are the runs of three characters in a text, words being set apart by blanks.
func trigrams(s string) map[string]bool {
	grams := map[string]bool{}
	runes := []rune(" " + s + " ")
	for i := range len(runes) - 2 {
		grams[string(runes[i:i+3])] = true
	}
	return grams
}

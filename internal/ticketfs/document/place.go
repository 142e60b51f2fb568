package document

import (
	"cmp"
	"slices"
	"strings"
)

// newKey is a key to add, with all that stands behind its colon.
type newKey struct{ key, value string }

// behind says which key a new one stands behind: a claim or a hold is read together with the
// status, and tk writes closed there. Several new keys stand in this order; a key that is not named
// here stands at the end.
var behind = []struct{ key, after string }{
	{"claimed-by", "status"},
	{"claimed-at", "claimed-by"},
	{"hold", "status"},
	{"hold-until", "hold"},
	{"closed", "status"},
	{"closed-by", "closed"},
	{"resolution", "closed-by"},
	{"close-reason", "resolution"},
	{"evidence", "close-reason"},
}

// behindIndex returns the index of key in behind, its length for any other key.
func behindIndex(key string) int {
	for i, b := range behind {
		if b.key == key {
			return i
		}
	}
	return len(behind)
}

// place makes lines of new keys. removed are the keys that the same edit removes.
func (d *Document) place(added []newKey, removed map[string]bool) []splice {
	slices.SortStableFunc(added,
		func(a, b newKey) int { return cmp.Compare(behindIndex(a.key), behindIndex(b.key)) })
	status, _ := d.field("status")
	start := d.lines[status.key.Line-1]
	lineBreak := eol(d.text[start:lineEnd(d.text, start)])
	splices := make([]splice, len(added))
	for i, n := range added {
		at := d.fence
		for j := behindIndex(n.key); j < len(behind); j = behindIndex(behind[j].after) {
			if f, present := d.field(behind[j].after); present && !removed[behind[j].after] {
				at = d.linesOf(f).end
				break
			}
		}
		splices[i] = splice{span{at, at}, scalarToken("", n.key, 0) + ":" +
			strings.ReplaceAll(n.value, "\n", lineBreak) + lineBreak}
	}
	return splices
}

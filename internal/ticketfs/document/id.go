package document

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

// MaxID is the length of the longest id, in bytes.
const MaxID = 64

// ValidID reports whether id may name a ticket: [A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*. The
// grammar has no separator, no leading dot or dash and no "..": an id that passes is a plain file
// name on every system. Written out, because the index asks it of every name in a folder, where a
// regular expression costs more than the look at the file.
func ValidID(id string) bool {
	if id == "" || len(id) > MaxID || !alphanumeric(id[0]) || id[len(id)-1] == '.' {
		return false
	}
	for i := 1; i < len(id); i++ {
		switch c := id[i]; {
		case alphanumeric(c), c == '_', c == '-':
		case c == '.' && id[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

const Ext = ".md"

// idOf is the id of a file name in the folder, "" when it is not a ticket's.
func IDOf(name string) string {
	id, found := strings.CutSuffix(name, Ext)
	if !found || !ValidID(id) {
		return ""
	}
	return id
}

// crockford is Douglas Crockford's base32, which has no i, l, o, u; the tk program's ids use it in
// lower case.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// IDs makes ids for new tickets. The zero value is ready; it may be used by any number of
// goroutines.
type IDs struct {
	mu   sync.Mutex
	last int64 // the tick of the last id
}

// ticks is how many of them a second has: two characters of an id tell them apart.
const ticks = 1 << 10

// New makes an id of twelve characters: seven of tk's form, which are the 32 bits of the Unix
// second, two for the part of the second, and three random ones (15 bits), so that clones of a
// repository can be merged. Each id sorts after the one before, whatever the clock does: what is
// created in order sorts in order. Ids of other processes sort by the clock alone.
func (g *IDs) New(now time.Time) string {
	var b [12]byte
	tick := g.next(now)
	spell(b[:7], tick/ticks<<3) // 35 bits: base32 pads at the end
	spell(b[7:9], tick%ticks)
	rand.Read(b[9:])
	for i := 9; i < len(b); i++ {
		b[i] = crockford[b[i]&31]
	}
	return string(b[:])
}

// next is the tick of a moment, or the one after the last if that is later.
func (g *IDs) next(now time.Time) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last+1, now.Unix()*ticks+int64(now.Nanosecond())*ticks/int64(time.Second))
	return g.last
}

// spell writes a number in base32 into all of b.
func spell(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = crockford[n&31]
		n >>= 5
	}
}

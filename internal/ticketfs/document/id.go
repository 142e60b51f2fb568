package document

import (
	"crypto/rand"
	"strings"
	"time"
)

// MaxID is the length of the longest id, in bytes.
const MaxID = 64

// ValidID reports whether id may name a ticket: [A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*. The grammar has no separator, no
// leading dot or dash and no "..": an id that passes is a plain file name on every system. Written out, because the index asks
// it of every name in a folder, where a regular expression costs more than the look at the file.
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

// crockford is Douglas Crockford's base32, which has no i, l, o, u; the tk program's ids use it in lower case.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewID makes an id of twelve characters: seven of tk's form, which are the 32 bits of the Unix second, so that ids sort by
// age, and five random ones (25 bits), so that clones of a repository can be merged.
func NewID(now time.Time) string {
	var b [12]byte
	second := now.Unix() << 3 // 35 bits: base32 pads at the end
	for i := 6; i >= 0; i-- {
		b[i] = crockford[second&31]
		second >>= 5
	}
	rand.Read(b[7:])
	for i := 7; i < len(b); i++ {
		b[i] = crockford[b[i]&31]
	}
	return string(b[:])
}

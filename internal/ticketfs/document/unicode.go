package document

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// NotUnicode returns where JSON holds a byte that is no UTF-8 or a lone surrogate, -1 when nowhere.
func NotUnicode(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i
		case r != '\\':
			i += size
		case !utf16.IsSurrogate(escaped(text[i:])):
			i += len(`\"`)
		case utf16.DecodeRune(escaped(text[i:]),
			escaped(text[min(i+len(`\uD800`), len(text)):])) == utf8.RuneError:
			return i
		default:
			i += 2 * len(`\uD800`)
		}
	}
	return -1
}

// escaped is the code unit of an escape at the beginning of text, \u and four digits, -1 when there
// is none.
func escaped(text []byte) rune {
	if len(text) < len(`\uD800`) || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}

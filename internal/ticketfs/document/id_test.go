package document

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestValidID(t *testing.T) {
	for _, id := range []string{"a", "d5czj08", "A-1_b", "a.b.c", "1e3", "0x1F", strings.Repeat("x", MaxID)} {
		if !ValidID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", ".", "..", "../x", "/etc/passwd", "a/b", `a\b`, "a..b", ".a", "a.", "-a", "_a", "a b", "a\x00b", "é", "a\n", strings.Repeat("x", MaxID+1)} {
		if ValidID(id) {
			t.Errorf("%q is taken", id)
		}
	}
}

// TestNewID: the first seven characters are those that the tk program makes of the same second.
func TestNewID(t *testing.T) {
	id := NewID(time.Date(2026, 1, 4, 4, 22, 43, 0, time.UTC))
	if len(id) != 12 || !strings.HasPrefix(id, "d5cyp4r") || !ValidID(id) {
		t.Errorf("id %q, want d5cyp4r and five more", id)
	}
	// Ids of one second differ: three alike come once in 10^15 runs.
	if a, b, c := NewID(time.Unix(1, 0)), NewID(time.Unix(1, 0)), NewID(time.Unix(1, 0)); a == b && b == c {
		t.Errorf("%s came three times in a row", a)
	}
	if a, b := NewID(time.Unix(1_800_000_000, 0)), NewID(time.Unix(1_800_000_001, 0)); a >= b {
		t.Errorf("%s of a second before %s does not sort before it", a, b)
	}
}

// TestValidIDIsTheGrammar compares the loop with the regular expression that the format names, on all short strings of an
// alphabet with one character of each kind.
func TestValidIDIsTheGrammar(t *testing.T) {
	grammar := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)
	words := []string{""}
	for range 5 {
		var longer []string
		for _, w := range words {
			for _, c := range []string{"a", "-", "_", ".", "/", "\n"} {
				longer = append(longer, w+c)
			}
		}
		words = append(words, longer...)
	}
	for _, w := range words {
		if ValidID(w) != grammar.MatchString(w) {
			t.Fatalf("%q: %v", w, ValidID(w))
		}
	}
}

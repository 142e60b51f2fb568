package document

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestValidID(t *testing.T) {
	for _, id := range []string{"a", "d5czj08", "A-1_b", "a.b.c", "1e3", "0x1F",
		strings.Repeat("x", MaxID)} {
		if !ValidID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", ".", "..", "../x", "/etc/passwd", "a/b", `a\b`, "a..b", ".a",
		"a.", "-a", "_a", "a b", "a\x00b", "é", "a\n", strings.Repeat("x", MaxID+1)} {
		if ValidID(id) {
			t.Errorf("%q is taken", id)
		}
	}
}

// TestNewID: the first seven characters are those that the tk program makes of the same second.
func TestNewID(t *testing.T) {
	second := time.Date(2026, 1, 4, 4, 22, 43, 0, time.UTC)
	for fraction, want := range map[time.Duration]string{0: "d5cyp4r00",
		time.Second / 2: "d5cyp4rg0", time.Second - 1: "d5cyp4rzz"} {
		id := new(IDs).New(second.Add(fraction))
		if len(id) != 12 || !strings.HasPrefix(id, want) || !ValidID(id) {
			t.Errorf("id %q, want %s and three more", id, want)
		}
	}
	// Ids of one moment differ, in different processes: three alike come once in 10^9 runs.
	if a, b, c := new(IDs).New(second), new(IDs).New(second), new(IDs).New(second); a == b &&
		b == c {
		t.Errorf("%s came three times in a row", a)
	}
}

// TestIDsSort: in one process each id sorts after the one before, within one moment, across
// seconds, and when the clock is set back.
func TestIDsSort(t *testing.T) {
	var ids IDs
	now := time.Unix(1_800_000_000, 0)
	last := ids.New(now)
	check := func(what string) {
		t.Helper()
		id := ids.New(now)
		if id[:9] <= last[:9] {
			t.Fatalf("%s: %s after %s", what, id, last)
		}
		last = id
	}
	for range 3 * ticks {
		check("at the same moment")
	}
	now = now.Add(-time.Hour)
	check("after the clock was set back")
	now = now.Add(2 * time.Hour)
	check("later")
	if want := new(IDs).New(now); last[:9] != want[:9] {
		t.Errorf("%s does not tell the time of %s", last, want)
	}
}

// TestValidIDIsTheGrammar compares the loop with the regular expression that the format names, on
// all short strings of an alphabet with one character of each kind.
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

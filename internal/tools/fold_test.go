package tools

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"pgregory.net/rapid"
)

// texts are made of what words, blanks and marks can be.
var texts = rapid.StringOf(rapid.SampledFrom([]rune(" \t\nabAB1é漢-_.\u00a0\u0301" +
	"ßİıΣςﬁＡ½Å\u00b4\u0085\u2028\u3000\u0308\u0327\u0345\u1100\u1161\u11a8\u1f82\ufdfa")))

// TestFoldBlanks: the short way through a text leaves it as the long one does.
func TestFoldBlanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		folded := fold(text)
		if again := strings.Join(strings.Fields(folded), " "); folded != again {
			t.Errorf("%q: %q has blanks beside %q", text, folded, again)
		}
	})
}

// TestFoldWords: the folded words that are in a text are those that are in its folded form.
func TestFoldWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		f := folding{caser: cases.Fold()}
		f.fold([]byte(text))
		folded := f.text
		for word := range strings.FieldsSeq(fold(text + " " + texts.Draw(t, "words"))) {
			if got, want := strings.Contains(string(folded), word),
				strings.Contains(fold(text), word); got != want {
				t.Errorf("%q in %q: %v", word, text, got)
			}
		}
	})
}

// TestHasWord: a word is one of the runs of letters and digits.
func TestHasWord(t *testing.T) {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		words := append(strings.FieldsFunc(text, apart), "a", "aa", "a-b")
		word := rapid.SampledFrom(words).Draw(t, "word")
		if got, want := hasWord(text, word),
			slices.Contains(strings.FieldsFunc(text, apart), word); got != want {
			t.Errorf("%q in %q: %v", word, text, got)
		}
	})
}

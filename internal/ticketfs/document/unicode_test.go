package document

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNotUnicode(t *testing.T) {
	for text, want := range map[string]int{
		`{"text":"ünï 漢字 🚀 \ud83d\ude80 \uFFFD \\ud800 \" \\\\ud800"}`: -1,
		"{\"text\":\"a\xff\"}":        10,
		"{\"text\":\"\xed\xa0\x80\"}": 9, // a surrogate in UTF-8
		"{\"text\":\"\xc3\"}":         9,
		`{"text":"\ud800"}`:           9,
		`{"text":"\udc00"}`:           9,
		`{"text":"\ud800\ud800"}`:     9,
		`{"text":"\ud83dx"}`:          9,
		`{"\ud83d":1}`:                2,
		`{"text":"\\\ud83d"}`:         11,
		`{"text":"\ud83d\u00`:         9,
		``:                            -1,
	} {
		if got := NotUnicode([]byte(text)); got != want {
			t.Errorf("%q: at %d, want %d", text, got, want)
		}
	}
}

// FuzzNotUnicode: what passes is decoded without U+FFFD in place of anything.
func FuzzNotUnicode(f *testing.F) {
	f.Add([]byte(`"\ud83d\ude80\\ud800"`))
	f.Add([]byte("\"\xff\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		var decoded string
		if json.Unmarshal(text, &decoded) != nil {
			return
		}
		meant := strings.Count(string(text), "\uFFFD") +
			strings.Count(strings.ToLower(string(text)), `\ufffd`)
		got := strings.Count(decoded, "\uFFFD")
		switch at := NotUnicode(text); {
		case at < 0 && got > meant:
			t.Errorf("%q passes and becomes %q", text, decoded)
		case at >= 0 && got == 0:
			t.Errorf("%q is refused at %d and is %q", text, at, decoded)
		}
	})
}

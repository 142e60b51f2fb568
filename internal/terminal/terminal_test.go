package terminal

import "testing"

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"plain, ünïcode 日本\n\ttab", "plain, ünïcode 日本\n\ttab"},
		{"a\r\nb", "a\nb"},
		{"\x1b[31mred\x1b]0;title\x07\u009b2J", "[31mred]0;title2J"},
		{"user\u202enimda\u2066x\u200e", "usernimdax"},
		{"zero\u200bwidth\u200d\ufeff\u00ad", "zerowidth"},
		{"line\u2028para\u2029", "linepara"},
		{"tag\U000e0041\U000e007f private\ue000 none\ufdd0", "tag private none"},
		{"\x00\b\x7f", ""},
	} {
		if got := Printable(test.text); got != test.want {
			t.Errorf("Printable(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, test := range []struct {
		line    string
		columns int
		want    string
	}{
		{"abcdef", 0, "abcdef"},
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcd…"},
		{"abcdef", 1, "…"},
		{"äöü", 3, "äöü"},
		{"a\u0308o\u0308", 2, "a\u0308o\u0308"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"", 3, ""},
	} {
		if got := Fit(test.line, test.columns); got != test.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", test.line, test.columns, got, test.want)
		}
	}
}

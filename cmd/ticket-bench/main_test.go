//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"", ""},
		{"--quick", ""},
		{"--sizes 100,200 --processes 2", ""},
		{"--sizes 99", "sizes must each be 100 to 1000000"},
		{"--sizes 100,", `"" is no number`},
		{"--quick --processes 8,257", "processes must each be 1 to 256"},
		{"--seconds 0.01", "seconds must be 0.1 to 60"},
		{"--seconds NaN", "seconds must be 0.1 to 60"},
		{"now", `unexpected argument "now"`},
	} {
		_, _, err := parse(strings.Fields(test.args))
		if test.want == "" && err != nil || test.want != "" &&
			(err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.args, err, test.want)
		}
	}
}

package main

import "testing"

func TestStyle(t *testing.T) {
	const list = "2 tickets\na-1 open P2: A long title\nb in_progress P1 bug: B\x1b[31m"
	const show = "a-1 closed P2 task: A\n\n# A\n\nb open text that is longer than the terminal"
	for _, test := range []struct {
		name, tool, text string
		style            style
		want             string
	}{
		{"no terminal", "list", list, style{},
			"2 tickets\na-1 open P2: A long title\nb in_progress P1 bug: B[31m\n"},
		{"narrow", "list", list, style{columns: 12}, "2 tickets\na-1 open P2…\nb in_progre…\n"},
		{"colours", "ready", list, style{colours: true, columns: 80},
			"2 tickets\n\x1b[1ma-1\x1b[0m \x1b[32mopen\x1b[0m P2: A long title\n\x1b[1mb\x1b[0m \x1b[33min_progress\x1b[0m P1 bug: B[31m\n"},
		{"a body is nobody's", "show", show, style{colours: true, columns: 10},
			"\x1b[1ma-1\x1b[0m \x1b[2mclosed\x1b[0m P2 task: A\n\n# A\n\nb open text that is longer than the terminal\n"},
	} {
		if got := test.style.answer(test.tool, test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

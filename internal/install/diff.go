package install

import (
	"fmt"
	"strings"
)

// unifiedDiff shows the lines in which two texts differ, from the first to the last, with three around them, as patch reads it.
func unifiedDiff(path string, old, text []byte) string {
	a, b := lines(old), lines(text)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	const around = 3
	from, behind := max(0, head-around), min(tail, around)
	endA, endB := len(a)-tail, len(b)-tail

	var d strings.Builder
	oldPath := path
	if old == nil {
		oldPath = "/dev/null"
	}
	fmt.Fprintf(&d, "--- %s\n+++ %s\n@@ -%s +%s @@\n", oldPath, path, hunk(from, endA+behind), hunk(from, endB+behind))
	show := func(mark string, some []string) {
		for _, line := range some {
			d.WriteString(mark + line)
			if !strings.HasSuffix(line, "\n") {
				d.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	show(" ", a[from:head])
	show("-", a[head:endA])
	show("+", b[head:endB])
	show(" ", b[endB:endB+behind])
	return d.String()
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	split := strings.SplitAfter(string(text), "\n")
	if split[len(split)-1] == "" {
		split = split[:len(split)-1]
	}
	return split
}

// hunk names the lines from (counted from 0) to behind the last.
func hunk(from, to int) string {
	if to == from {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

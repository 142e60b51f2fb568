package board

import (
	"os"
	"path/filepath"
	"strings"
)

// foreignMount reports whether something is mounted at path that does not stand there in the
// filesystem around it: in a container a .git may come from another repository than the files
// beside it. A folder that is mounted over itself, which is how sandboxes make it read-only, is no
// foreign one.
func foreignMount(path string) (bool, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if missing(err) {
		return otherDevice(path)
	}
	if err != nil {
		return false, err
	}
	return foreignIn(string(table), path), nil
}

// foreignIn is foreignMount by a table in the form of mountinfo(5).
func foreignIn(table, path string) bool {
	var at, around *mount
	for line := range strings.Lines(table) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		if m.point == path {
			at = &m
		} else if _, below := cutFolder(path, m.point); below &&
			(around == nil || len(m.point) >= len(around.point)) {
			around = &m
		}
	}
	if at == nil {
		return false
	}
	if around == nil || around.device != at.device {
		return true
	}
	rest, _ := cutFolder(path, around.point)
	return at.root != filepath.Join(around.root, rest)
}

// mount is a line of mountinfo(5): the folder root of the filesystem on device is seen at point.
type mount struct{ device, root, point string }

func parseMount(line string) (mount, bool) {
	const device, root, point = 2, 3, 4
	fields := strings.Split(line, " ") // a path may hold any other blank
	if len(fields) <= point {
		return mount{}, false
	}
	return mount{fields[device], unescape.Replace(fields[root]),
		unescape.Replace(fields[point])}, true
}

// unescape undoes what the kernel does to the characters that would break its table.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

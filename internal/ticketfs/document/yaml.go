package document

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// decodeYAML returns the document node of source. A panic of yaml.v3 is an error: input must not
// stop a server.
func decodeYAML(source string) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = new(yaml.Node)
	err = yaml.Unmarshal([]byte(source), doc)
	return doc, err
}

var (
	yamlPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)
	aliasName  = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// syntaxError finds the line of yaml.v3's error. The line in its text is that of the fault, one
// off, that of the first key, or missing, depending on where in yaml.v3 it arose; so search for the
// fewest lines of source that have the same error.
func syntaxError(source string, err error) *Malformed {
	message := func(err error) string {
		if err == nil {
			return ""
		}
		return yamlPrefix.ReplaceAllString(err.Error(), "")
	}
	why := message(err)
	lines := strings.SplitAfter(strings.TrimSuffix(source, "\n"), "\n")
	low, high := 1, len(lines) // the fence alone is no error, all lines are
	size := make([]int, len(lines)+1)
	for i, line := range lines {
		size[i+1] = size[i] + len(line)
	}
	for low+1 < high {
		mid := (low + high) / 2
		if _, err := decodeYAML(source[:size[mid]]); message(err) == why {
			high = mid
		} else {
			low = mid
		}
	}
	m := &Malformed{Line: high, Column: 1, Why: "not YAML: " + why}
	if name := aliasName.FindStringSubmatch(why); name != nil {
		m.Why = noAliases
		if i := strings.Index(lines[high-1], "*"+name[1]); i >= 0 {
			m.Column = utf8.RuneCountInString(lines[high-1][:i]) + 1
		}
	}
	return m
}

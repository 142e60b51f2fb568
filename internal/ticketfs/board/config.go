package board

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// setting is one line of a git config file. Section and key are in lower case, as git compares
// them; a subsection is not.
type setting struct {
	section, subsection, key string

	value   string
	noValue bool // the key stands alone, without "=", which means true
}

// parseConfig reads a git config file as git does: comments, quotes, escapes and continued lines, a
// key on its section's line. Includes are not followed; git does not follow them either when it
// asks what kind of repository this is. A file that git would reject is an error that begins with
// the number of the line.
func parseConfig(text string) ([]setting, error) {
	p := configParser{rest: strings.TrimPrefix(text, "\uFEFF"), line: 1}
	var all []setting
	var section, subsection string
	for {
		c, ok := p.next()
		switch {
		case !ok:
			return all, nil
		case c == '\n' || isSpace(c):
		case c == '#' || c == ';':
			p.skipLine()
		case c == '[':
			var err error
			if section, subsection, err = p.header(); err != nil {
				return nil, err
			}
		default:
			s, err := p.setting(c)
			if err != nil {
				return nil, err
			}
			s.section, s.subsection = section, subsection
			all = append(all, s)
		}
	}
}

// lookup returns the last setting of a key, which is the one that counts.
func lookup(all []setting, section, key string) (setting, bool) {
	for _, s := range slices.Backward(all) {
		if s.section == section && s.subsection == "" && s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

// boolean reads a setting as git reads a boolean.
func (s setting) boolean() (bool, error) {
	if s.noValue {
		return true, nil
	}
	switch strings.ToLower(s.value) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off", "":
		return false, nil
	}
	// Git takes numbers with a unit as well, as it does wherever it reads a number.
	n, err := strconv.ParseInt(strings.TrimRight(s.value, "kKmMgG"), 0, 64)
	if err != nil {
		return false, fmt.Errorf("%s.%s is %q, which is neither true nor false", s.section, s.key,
			s.value)
	}
	return n != 0, nil
}

// configParser is what is left of a config file.
type configParser struct {
	rest string
	line int
}

func (p *configParser) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{p.line}, args...)...)
}

// next takes one character; CR LF counts as LF.
func (p *configParser) next() (c byte, ok bool) {
	if p.rest == "" {
		return 0, false
	}
	if strings.HasPrefix(p.rest, "\r\n") {
		p.rest = p.rest[1:]
	}
	c, p.rest = p.rest[0], p.rest[1:]
	if c == '\n' {
		p.line++
	}
	return c, true
}

func (p *configParser) skipLine() {
	for c, ok := p.next(); ok && c != '\n'; c, ok = p.next() {
	}
}

// header reads what follows "[": [section], [section "subsection"] or, in the old form,
// [section.subsection].
func (p *configParser) header() (section, subsection string, err error) {
	var name strings.Builder
	for {
		c, ok := p.next()
		switch {
		case ok && c == ']':
			section, subsection, _ = strings.Cut(strings.ToLower(name.String()), ".")
			return section, subsection, nil
		case ok && c != '\n' && isSpace(c):
			subsection, err = p.subsection()
			return strings.ToLower(name.String()), subsection, err
		case ok && (isKeyByte(c) || c == '.'):
			name.WriteByte(c)
		default:
			return "", "", p.errorf("a section's name is not complete")
		}
	}
}

func (p *configParser) subsection() (string, error) {
	c, ok := p.next()
	for ok && c != '\n' && isSpace(c) {
		c, ok = p.next()
	}
	if !ok || c != '"' {
		return "", p.errorf("a subsection without quotes")
	}
	var name strings.Builder
	for {
		c, ok = p.next()
		if ok && c == '"' {
			break
		}
		if ok && c == '\\' {
			c, ok = p.next()
		}
		if !ok || c == '\n' {
			return "", p.errorf("a subsection is not complete")
		}
		name.WriteByte(c)
	}
	if c, ok = p.next(); !ok || c != ']' {
		return "", p.errorf("a subsection is not followed by ]")
	}
	return name.String(), nil
}

// setting reads a key, which begins with first, and its value.
func (p *configParser) setting(first byte) (s setting, err error) {
	if !isLetter(first) {
		return s, p.errorf("a key begins with %q", first)
	}
	name := []byte{first}
	c, ok := p.next()
	for ok && isKeyByte(c) {
		name = append(name, c)
		c, ok = p.next()
	}
	s.key = strings.ToLower(string(name))
	for ok && (c == ' ' || c == '\t') {
		c, ok = p.next()
	}
	if !ok || c == '\n' {
		s.noValue = true
		return s, nil
	}
	if c != '=' {
		return s, p.errorf("the key %s is followed by %q", s.key, c)
	}
	s.value, err = p.value()
	return s, err
}

// value reads up to the end of the line: blanks around it and comments do not belong to it, unless
// they are quoted.
func (p *configParser) value() (string, error) {
	var value []byte
	quoted, end := false, 0 // end is where trailing blanks begin
	for {
		c, ok := p.next()
		switch {
		case !ok || c == '\n':
			if quoted {
				return "", p.errorf("a quote is not closed")
			}
			return string(value[:end]), nil
		case !quoted && isSpace(c):
			if len(value) > 0 {
				value = append(value, c)
			}
			continue
		case !quoted && (c == '#' || c == ';'):
			p.skipLine()
			return string(value[:end]), nil
		case c == '"':
			quoted = !quoted
		case c == '\\':
			c, ok = p.next()
			if !ok || c == '\n' {
				continue
			}
			at := strings.IndexByte(`nbt\"`, c)
			if at < 0 {
				return "", p.errorf("an escape that git does not know")
			}
			value = append(value, "\n\b\t\\\""[at])
		default:
			value = append(value, c)
		}
		end = len(value)
	}
}

func isSpace(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isKeyByte(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' || c == '-' }

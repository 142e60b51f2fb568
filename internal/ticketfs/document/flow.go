package document

import "strings"

// flowList is a `[...]` (or `{...}`) as it stands in the file.
type flowList struct {
	open, close int // of the brackets
	items       []span
}

// scanFlow scans the flow collection that opens at offset, as yaml.v3's scanner does, for what
// matters here: brackets, commas, quotes and comments. ok is false when it does not end in text.
func scanFlow(text string, open int) (list flowList, ok bool) {
	list.open = open
	item := span{-1, -1}
	token := func(start, end int) {
		if item.start < 0 {
			item.start = start
		}
		item.end = end
	}
	depth := 1
	for i := open + 1; i < len(text); {
		start := i
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '#':
			i = lineEnd(text, i)
		case ',':
			i++
			if depth == 1 {
				list.items = append(list.items, item)
				item = span{-1, -1}
			}
		case '[', '{':
			i++
			depth++
			token(start, i)
		case ']', '}':
			i++
			depth--
			if depth == 0 {
				if item.start >= 0 {
					list.items = append(list.items, item)
				}
				list.close = start
				return list, true
			}
			token(start, i)
		case '"', '\'':
			i = quotedEnd(text, i)
			token(start, i)
		case ':', '?':
			i++
			token(start, i)
		default:
			i = flowPlainEnd(text, i)
			token(start, i)
		}
	}
	return list, false
}

// flowPlainEnd returns where a plain value inside a flow collection ends. It may go on in the next
// line.
func flowPlainEnd(text string, offset int) int {
	end := offset
	for i := offset; i < len(text); i++ {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			continue
		case ',', '?', '[', ']', '{', '}':
			return end
		case '#':
			if end < i {
				return end
			}
		case ':':
			if i+1 == len(text) || strings.IndexByte(" \t\r\n", text[i+1]) >= 0 {
				return end
			}
		}
		end = i + 1
	}
	return end
}

// editFlowList rewrites what is between the brackets: the items that stay as they were, each with
// what stands behind it, and the new ones behind the last of them. Comments behind an item that is
// removed, and before it if it was the last, go with it.
func (d *Document) editFlowList(f field, plan listPlan) ([]splice, *EditError) {
	list, ok := scanFlow(d.text[:f.stop], d.offset(f.value))
	if !ok || len(list.items) != len(plan.keep) {
		return nil, cannot("the list %s is written in a form that cannot be edited", f.key.Value)
	}
	inside := span{list.open + 1, list.close}
	add := flowItems(f.key.Value, plan.add)
	if plan.none() {
		return []splice{{inside, add}}, nil
	}
	var b strings.Builder
	b.WriteString(d.text[inside.start:list.items[0].start])
	last := -1 // of the items that stay
	for i, keep := range plan.keep {
		if !keep {
			continue
		}
		if last >= 0 {
			b.WriteString(d.text[list.items[last].end:list.items[last+1].start])
		}
		last = i
		b.WriteString(d.text[list.items[i].start:list.items[i].end])
	}
	if add != "" {
		b.WriteString(", " + add)
	}
	end := list.items[len(list.items)-1]
	tail := d.text[end.end:inside.end]
	if last < len(list.items)-1 &&
		strings.ContainsAny(d.text[list.items[last].end:list.items[last+1].start], "\n#") {
		i := strings.LastIndexByte(tail, '\n') + 1
		tail = eol(tail[:i]) + tail[i:]
	}
	b.WriteString(tail)
	return []splice{{inside, b.String()}}, nil
}

package document

import "strings"

// flowList is a `[...]` (or `{...}`) as it stands in the file.
type flowList struct {
	open, close int // of the brackets
	items       []flowItem
	comments    bool // inside, at any depth
}

// flowItem is one item. comma is the offset of the comma behind it, -1 when there is none.
type flowItem struct {
	span
	comma int
}

// scanFlow scans the flow collection that opens at offset, as yaml.v3's scanner does, for what matters here: brackets, commas,
// quotes and comments. ok is false when it does not end in text.
func scanFlow(text string, open int) (list flowList, ok bool) {
	list.open = open
	item := flowItem{span{-1, -1}, -1}
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
			list.comments = true
			i = lineEnd(text, i)
		case ',':
			i++
			if depth == 1 {
				item.comma = start
				list.items = append(list.items, item)
				item = flowItem{span{-1, -1}, -1}
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

// flowPlainEnd returns where a plain value inside a flow collection ends. It may go on in the next line.
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

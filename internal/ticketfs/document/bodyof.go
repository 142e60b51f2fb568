package document

import "bytes"

// BodyOf returns the body of a ticket's file: what Parse gives, without reading the front matter
// where the fences are in canonical form. nil where there is none; of a malformed file it may be one.
func BodyOf(content []byte) []byte {
	if front, found := bytes.CutPrefix(content, []byte(fence+"\n")); found {
		end := bytes.Index(front, []byte("\n"+fence+"\n"))
		if end >= 0 && end < MaxFrontMatter-len(fence)-2 &&
			!bytes.Contains(front[:end+1], []byte("\n"+fence+"\r\n")) &&
			!bytes.HasPrefix(front, []byte(fence)) {
			return front[end+len(fence)+2:]
		}
	}
	d, err := Parse("", content)
	if err != nil {
		return nil
	}
	return []byte(d.Body())
}

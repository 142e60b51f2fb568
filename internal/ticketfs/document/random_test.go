package document

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawFront makes front matter of every form that people and programs write, as bytes alone seldom
// become YAML.
func drawFront(t *rapid.T) string {
	var b strings.Builder
	keys := rapid.Permutation([]string{"id", "blocked-by", "assignee", "meta", "text", "tags",
		"closed"}).Draw(t, "keys")
	keys = keys[:rapid.IntRange(0, len(keys)).Draw(t, "n")]
	at := rapid.IntRange(0, len(keys)).Draw(t, "status at")
	for i := range len(keys) + 1 {
		if i == at {
			b.WriteString(drawKey(t, "status") +
				pick(t, " open", " 'open'", " \"open\"", " open # c", "\n  open", " |-\n  open",
					" # c\n  open", " >-\n    open\n  # c"))
			b.WriteString("\n" + drawRest(t))
		}
		if i < len(keys) {
			b.WriteString(drawKey(t, keys[i]) + drawValue(t, keys[i]) + "\n" + drawRest(t))
		}
	}
	return b.String()
}

func pick(t *rapid.T, choices ...string) string {
	return rapid.SampledFrom(choices).Draw(t,
		"choice")
}

func drawKey(t *rapid.T, key string) string {
	return pick(t, key, key, key, "'"+key+"'", `"`+key+`"`) + pick(t, ":", ":", ":", " :")
}

// drawRest is what belongs to no key.
func drawRest(t *rapid.T) string {
	return pick(t, "", "", "", "\n", "# c: d\n", "\n# c\n\n", "#\n", " \n")
}

func drawValue(t *rapid.T, key string) string {
	switch key {
	case "id":
		return pick(t, " x", " 'x'", " x # c", "\n  x")
	case "closed":
		return pick(t, " 2026-01-04T05:22:09Z", " '2026-01-04T05:22:09Z' # c", "", " ~", " # c")
	case "blocked-by", "tags":
		return drawList(t)
	case "meta":
		return pick(t, " {a: b}", "\n  a: b\n  c:\n    - d", " {a: [b, c],\n  # c ]\n 'd}': e} # f",
			"\n  ? a\n  ? b", "\n  a: |\n    b\n\n   # c", " {}", "\n- - a\n  - b\n- c: d\n  e:")
	}
	return pick(t, " Ada", " 'it''s'", ` "a \" # b"`, " a  # c", "", " ", " # c", " ~",
		"\n  a\n  b", " a\n\n  b # c", " |\n  a\n\n  # b", " >+2\n   a\n  b\n\n",
		" |\n\n   a\n # c", ` "a`+"\n  # b\n\n  c\" # d", " 'a\n  ''\n  '", " 12", " a#b", " a:b", " |-", " |+\n\n")
}

func drawList(t *rapid.T) string {
	n := rapid.IntRange(0, 4).Draw(t, "items")
	item := func() string { return pick(t, "a", "b", "c", "'a'", `"b"`, "1e3") }
	var b strings.Builder
	if n == 0 {
		return pick(t, " []", " [ ]", "", " ~", " [] # c", " [ # c\n  ]", "\n  []", " # c", " [# c\n]", " [\n\n]")
	}
	if rapid.Bool().Draw(t, "flow") {
		b.WriteString(pick(t, " ", " ", "\n  ") + "[" + pick(t, "", "", " ", "\n  ", " # c, ]\n  ", "\n\n  # c\n  "))
		for i := range n {
			b.WriteString(pick(t, item(), item(), "{id: "+item()+"}", "{\"id\": "+item()+", reason: 'x, ]'}", "{\n id: "+item()+" # c\n }"))
			if i < n-1 || rapid.IntRange(0, 5).Draw(t, "comma") == 0 {
				b.WriteString(pick(t, "", "", "", " ", "\n  ") + "," + pick(t, " ", " ", "", "\n  ", " # c\n  ", "# c\n  # d\n  ", "\n\n"))
			}
		}
		b.WriteString(pick(t, "", "", " ", "\n", " # c\n  ", "\n  # c\n") + "]" + pick(t, "", " # c", " "))
		return b.String()
	}
	indent := strings.Repeat(" ", rapid.IntRange(0, 4).Draw(t, "indent"))
	b.WriteString(pick(t, "", "", " # c", "\n", "\n"+indent+"# c"))
	for range n {
		in := indent + "  "
		b.WriteString("\n" + indent + "-" + pick(t, " "+item(), " "+item(), "   "+item()+"  # c", " id: "+item(), " {id: "+item()+"}", "\n"+in+item(),
			" # c\n"+in+"# d\n\n"+in+item(), " id: "+item()+"\n"+in+"reason: |\n"+in+" x\n\n"+in+" # y", " reason:\n"+in+"id: "+item()+" # c",
			" reason: >2-\n"+in+"  x\n"+in+"id: "+item(), " id:\n"+in+"  "+item()+"\n"+in+"x: 'y\n"+in+"  # z'"))
		b.WriteString(pick(t, "", "", "", "\n", "\n"+indent+"# c", "\n# c"))
	}
	return b.String()
}

// TestEditRandom: what FuzzEdit holds, and no refusal: all of these forms can be edited.
func TestEditRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		content := "---\n" + drawFront(rt) + "---\n# T\n"
		if rapid.Bool().Draw(rt, "crlf") {
			content = strings.ReplaceAll(content, "\n", "\r\n")
		}
		d, err := Parse("", []byte(content))
		if err != nil {
			rt.Fatalf("%v\n%s", err, content)
		}
		list := func() string { return pick(rt, "blocked-by", "tags", "blocked-by", "absent") }
		var e Edit
		switch rapid.IntRange(0, 5).Draw(rt, "kind") {
		case 0:
			e = Set(pick(rt, "assignee", "text", "new", "claimed-by", "close-reason"), pick(rt, "a", "", "it's: # 1", "a\nb", "true", "12", " x ", "\"'"))
			if rapid.IntRange(0, 2).Draw(rt, "status") == 0 {
				e = Set("status", "closed")
			}
		case 1:
			e = Remove(pick(rt, "assignee", "text", "meta", "tags", "blocked-by", "closed", "id", "absent"))
		case 2:
			e = AddItem(list(), pick(rt, "a", "z", "null", "1e3"))
		case 3:
			e = RemoveItem(list(), pick(rt, "a", "b", "1e3", "c"))
		case 4:
			ids := rapid.SampledFrom([]string{"a", "z.x", "1e3"})
			e = SetList(list(), rapid.SliceOfN(ids, 0, 3).Draw(rt, "values")...)
			if rapid.Bool().Draw(rt, "of texts") {
				texts := rapid.SampledFrom([]string{"https://x.example/?y#z", "a, b", "what?", "a:b", "- z", "[x", "true", "'"})
				e = SetList("tags", rapid.SliceOfN(texts, 0, 3).Draw(rt, "texts")...)
			}
		case 5:
			e = Append(list(), pick(rt, "a", "z", "1e3"))
			if rapid.Bool().Draw(rt, "a text") {
				e = Append("tags", pick(rt, "https://x.example/?y#z", "a, b", "what?", "a:b", "- z", "[x"))
			}
		}
		got, err := d.Apply(e)
		if err != nil {
			if e.kind == editRemove && strings.ContainsAny(content, "|>") {
				return // an indented comment below the key would become text of a literal value above it
			}
			rt.Fatalf("%v: %v\n%s", e, err, content)
		}
		checkLines(rt, d, got, e.name)
		checkValue(rt, d, got, e)
		if again, err := got.Apply(e); e.kind != editAppend && (err != nil || again.text != got.text) {
			rt.Errorf("twice is not once: %v\n%s\n%s", err, d.text, got.text)
		}
		checkUndo(rt, d, got, e)
		if crlf := strings.Contains(d.text, "\r"); strings.Contains(strings.ReplaceAll(got.text, "\r\n", ""), "\n") == crlf {
			rt.Errorf("mixed line breaks: %q", got.text)
		}
	})
}

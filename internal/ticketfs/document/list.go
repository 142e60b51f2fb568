package document

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// List returns the texts of a list's items; a single value is a list of one. An item that is a
// mapping is the text of its pairs.
func (d *Document) List(key string) []string {
	f, ok := d.field(key)
	switch {
	case !ok || isNull(f.value):
		return nil
	case f.value.Kind == yaml.SequenceNode:
		return textsOf(f.value.Content)
	}
	return []string{textOf(f.value)}
}

// listPlan says what becomes of a list: which of its items stay, and what comes behind them.
type listPlan struct {
	keep []bool
	add  []string
}

// none reports whether no item stays.
func (p listPlan) none() bool { return !slices.Contains(p.keep, true) }

// changes reports whether the plan is not just to leave the list as it is.
func (p listPlan) changes() bool { return slices.Contains(p.keep, false) || len(p.add) > 0 }

// planList folds the edits of one list.
func planList(items []*yaml.Node, edits []Edit) (listPlan, *EditError) {
	plan := listPlan{keep: make([]bool, len(items))}
	for i := range items {
		plan.keep[i] = true
	}
	for _, e := range edits {
		switch e.kind {
		case editAppend:
			plan.add = append(plan.add, e.value)
		case editSetList:
			if all := e.values(); !slices.Equal(textsOf(items), all) {
				plan = listPlan{keep: make([]bool, len(items)), add: all}
			}
		case editAddItem:
			if !ValidID(e.value) {
				return plan, cannot("%.80q is no ticket id", e.value)
			}
			if !plan.has(items, e.value) {
				plan.add = append(plan.add, e.value)
			}
		case editRemoveItem:
			for i, item := range items {
				if id, ok := itemID(item); ok && id == e.value {
					plan.keep[i] = false
				}
			}
			plan.add = slices.DeleteFunc(plan.add, func(id string) bool { return id == e.value })
		}
	}
	return plan, nil
}

func (p listPlan) has(items []*yaml.Node, id string) bool {
	for i, item := range items {
		if other, ok := itemID(item); ok && other == id && p.keep[i] {
			return true
		}
	}
	return slices.Contains(p.add, id)
}

// itemID is the id that an item of a list stands for.
func itemID(item *yaml.Node) (string, bool) {
	if item.Kind == yaml.MappingNode {
		if item = valueOf(item, "id"); item == nil {
			return "", false
		}
	}
	return item.Value, item.Kind == yaml.ScalarNode && !isNull(item)
}

// editList makes the list edits of a key. A list that is to be written where the key is absent is
// returned as it stands behind the colon: texts one on a line, all else in flow style.
func (d *Document) editList(f field, present bool,
	k keyEdits) (splices []splice, list string, err *EditError) {
	var items []*yaml.Node
	single := present && f.value.Kind == yaml.ScalarNode && !isNull(f.value)
	switch {
	case !present || isNull(f.value):
	case f.value.Kind == yaml.SequenceNode:
		items = f.value.Content
	case single && k.inTexts():
		items = []*yaml.Node{f.value}
	case k.edits[0].kind == editSetList: // a mapping, which goes as a whole
		plan, err := planList(nil, k.edits)
		return d.replaceCollection(f, "["+flowItems(k.key, plan.add)+"]"), "", err
	default:
		return nil, "", cannot("%s is %s, not a list", k.key, kindName(f.value))
	}
	plan, err := planList(items, k.edits)
	switch {
	case err != nil || !plan.changes():
		return nil, "", err
	case !present && k.edits[0].kind == editAppend:
		var b strings.Builder
		for _, text := range plan.add {
			b.WriteString("\n  - " + scalarToken(k.key, text, 0))
		}
		return nil, b.String(), nil
	case !present:
		return nil, " [" + flowItems(k.key, plan.add) + "]", nil
	case single && !plan.none():
		plan.add = append([]string{f.value.Value}, plan.add...)
		fallthrough
	case single, isNull(f.value):
		return d.replaceScalar(f, "["+flowItems(k.key, plan.add)+"]"), "", nil
	case f.value.Style&yaml.FlowStyle != 0:
		splices, err = d.editFlowList(f, plan)
		return splices, "", err
	}
	return d.editBlockList(f, plan), "", nil
}

func flowItems(key string, items []string) string {
	tokens := make([]string, len(items))
	for i, item := range items {
		tokens[i] = flowToken(key, item)
	}
	return strings.Join(tokens, ", ")
}

// editBlockList removes the lines of items and adds lines like those that are there.
func (d *Document) editBlockList(f field, plan listPlan) []splice {
	items := d.blockItems(f)
	var splices []splice
	last := len(items) - 1 // of the items that stay; new ones stand behind it
	for i, keep := range plan.keep {
		if keep {
			last = i
		} else {
			splices = append(splices, splice{items[i], ""})
		}
	}
	if len(plan.add) > 0 {
		start := items[last].start
		dash := start + f.value.Column - 1
		lineBreak := eol(d.text[start:lineEnd(d.text, start)])
		var b strings.Builder
		for _, item := range plan.add {
			b.WriteString(d.text[start:dash] + "- " + scalarToken(f.key.Value, item, 0) + lineBreak)
		}
		splices = append(splices, splice{span{items[last].end, items[last].end}, b.String()})
	} else if plan.none() {
		colon := d.colon(f)
		splices = append(splices, splice{span{colon + 1, colon + 1}, " []"})
	}
	return splices
}

// blockItems returns the lines of each item of a block list, from its dash to its value's end.
func (d *Document) blockItems(f field) []span {
	n := f.value
	items := make([]span, len(n.Content))
	limit := f.stop
	for i := len(items) - 1; i >= 0; i-- {
		// The dash is on the item's line, or above it with only comments and blank lines between.
		line := n.Content[i].Line
		start := d.lines[line-1]
		for line > n.Line && !strings.HasPrefix(strings.TrimLeft(d.text[start:start+n.Column], " "),
			"-") {
			line--
			start = d.lines[line-1]
		}
		items[i] = span{start, lineEnd(d.text, d.end(n.Content[i], n.Column-1, limit))}
		limit = start
	}
	return items
}

// colon returns the offset of the colon behind a key.
func (d *Document) colon(f field) int {
	i := d.offset(f.key)
	if f.key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		i = quotedEnd(d.text, i)
	} else {
		i += len(f.key.Value)
	}
	return i + strings.IndexByte(d.text[i:], ':')
}

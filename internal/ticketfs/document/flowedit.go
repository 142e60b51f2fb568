package document

import "strings"

// editFlowList removes items, each with one comma, and adds the new ones behind the last that stays.
func (d *Document) editFlowList(f field, plan listPlan) ([]splice, *EditError) {
	list, ok := scanFlow(d.text[:f.stop], d.offset(f.value))
	if !ok || len(list.items) != len(plan.keep) {
		return nil, cannot("the list %s is written in a form that cannot be edited", f.key.Value)
	}
	add := flowItems(plan.add)
	if plan.none() {
		return d.refill(list, add), nil
	}
	var splices []splice
	last := 0 // of the items that stay
	for i := 0; i < len(list.items); i++ {
		if plan.keep[i] {
			last = i
			continue
		}
		// Items that are neighbours go together, as if they were one.
		run := list.items[i]
		first := i
		for i+1 < len(list.items) && !plan.keep[i+1] {
			i++
		}
		run.end, run.comma = list.items[i].end, list.items[i].comma
		if i+1 < len(list.items) {
			splices = append(splices, d.cutFlowItem(list, first, run))
		} else {
			splices = append(splices, d.cutFlowTail(list.items[first-1], run)...)
		}
	}
	if add != "" {
		end := list.items[last].end
		splices = append(splices, splice{span{end, end}, ", " + add})
	}
	return splices, nil
}

// refill replaces all items of a list. Comments between them go with them; others stay.
func (d *Document) refill(list flowList, items string) []splice {
	inside := span{list.open + 1, list.close}
	if !list.comments {
		return []splice{{inside, items}}
	}
	if strings.HasPrefix(d.text[inside.start:], "#") {
		items += " "
	}
	splices := []splice{{span{inside.start, inside.start}, items}}
	if n := len(list.items); n > 0 {
		all := span{list.items[0].start, max(list.items[n-1].end, list.items[n-1].comma+1)}
		if lines, ok := d.ownLines(all); ok {
			all = lines
		}
		splices = append(splices, splice{all, ""})
	}
	return splices
}

// cutFlowItem removes the item (or run of items) with the given index, behind which another one stays.
func (d *Document) cutFlowItem(list flowList, index int, item flowItem) splice {
	cut := span{item.start, item.comma + 1}
	if lines, ok := d.ownLines(cut); ok {
		return splice{lines, ""}
	}
	if index > 0 {
		if before := list.items[index-1].comma + 1; strings.TrimLeft(d.text[before:item.start], " \t") == "" {
			return splice{span{before, cut.end}, ""}
		}
	}
	for d.text[cut.end] == ' ' || d.text[cut.end] == '\t' {
		cut.end++
	}
	return splice{cut, ""}
}

// cutFlowTail removes the last item (or run of items), which follows one that stays, and the comma between them. When a comma
// ends the list, one still does.
func (d *Document) cutFlowTail(before, item flowItem) []splice {
	cut := span{item.start, max(item.end, item.comma+1)}
	lines, ok := d.ownLines(cut)
	if ok {
		cut = lines
	} else if strings.TrimSpace(d.text[before.comma+1:item.start]) == "" {
		return []splice{{span{before.comma, item.end}, ""}}
	}
	if item.comma >= 0 {
		return []splice{{cut, ""}}
	}
	comma := splice{span{before.comma, before.comma + 1}, ""}
	if d.text[before.comma+1] == '#' {
		comma.text = " " // a comment needs a blank before it
	}
	return []splice{comma, {cut, ""}}
}

// ownLines returns the whole lines of a part of the file that shares them with nothing but blanks and a comment behind it.
func (d *Document) ownLines(part span) (span, bool) {
	start := strings.LastIndexByte(d.text[:part.start], '\n') + 1
	end := lineEnd(d.text, part.end)
	if strings.Trim(d.text[start:part.start], " \t") != "" || !isBlankOrComment(trimEOL(d.text[part.end:end])) {
		return span{}, false
	}
	return span{start, end}, true
}

package page

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// Look is how a board is printed.
type Look struct {
	Width  int  // columns of the terminal
	Height int  // lines, 0 for as many as it takes
	Colour bool // by escape sequences
}

const (
	// sideBySide is the width from which on the columns stand beside each other.
	sideBySide = 96
	columnGap  = 2
	// maxPrinted is how many tickets of a column are printed where the height does not say.
	maxPrinted = 12
)

// Styles, as parameters of the escape sequence that selects them.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	purple = "35"
	cyan   = "36"
)

var columnStyles = map[Column]string{Ready: blue, InProgress: green, Waiting: purple,
	OnHold: yellow, DoneToday: cyan, Done: dim}

// span is text of one style; it has no control characters.
type span struct{ style, text string }

// row is a line of spans.
type row []span

func (r row) width() int {
	w := 0
	for _, s := range r {
		w += uniseg.StringWidth(s.text)
	}
	return w
}

// cut shortens a row to a width.
func (r row) cut(width int) row {
	if r.width() <= width {
		return r
	}
	var short row
	for _, s := range r {
		w := uniseg.StringWidth(s.text)
		if w >= width {
			return append(short, span{s.style, cut(s.text+" ", width)})
		}
		width -= w
		short = append(short, s)
	}
	return short
}

// wrap breaks a row at the spaces of its last span, which then go on in the next lines.
func (r row) wrap(width, most int) []row {
	if len(r) == 0 {
		return nil
	}
	if r.width() <= width {
		return []row{r}
	}
	last := len(r) - 1
	before := r[:last].width()
	if before >= width/2 {
		return []row{r.cut(width)}
	}
	filler := strings.Repeat("\u00a0", before) // the first line is that much shorter
	lines := wrap(filler+r[last].text, width, most)
	rows := []row{append(r[:last:last], span{r[last].style, strings.TrimPrefix(lines[0], filler)})}
	for _, text := range lines[1:] {
		rows = append(rows, row{{r[last].style, text}})
	}
	return rows
}

// print writes a row, filled up to a width.
func (r row) print(out *strings.Builder, width int, colour bool) {
	r = r.cut(width)
	for _, s := range r {
		if colour && s.style != plain && s.text != "" {
			fmt.Fprintf(out, "\x1b[%sm%s\x1b[0m", s.style, s.text)
		} else {
			out.WriteString(s.text)
		}
	}
	out.WriteString(strings.Repeat(" ", max(0, width-r.width())))
}

// Print is the board for a terminal: columns where they have room, else one below the other.
func (b *Board) Print(look Look, text func(id string) (Text, error)) string {
	look.Width = max(look.Width, 20)
	head := b.head(look)
	var body []string
	if look.Width >= sideBySide {
		body = b.beside(look, len(head), text)
	} else {
		body = b.below(look, len(head), text)
	}
	lines := append(head, body...)
	if look.Height > 0 && len(lines) > look.Height {
		lines = lines[:look.Height]
	}
	return strings.Join(lines, "\n") + "\n"
}

func (look Look) line(r row) string {
	var out strings.Builder
	r.print(&out, look.Width, look.Colour)
	return strings.TrimRight(out.String(), " ")
}

// head is what stands above the columns: the name, who works, and what needs a person.
func (b *Board) head(look Look) []string {
	lines := []string{look.line(row{{bold, line(b.Name, 40)},
		{dim, "  " + b.summary() + "  " + b.At.Format("15:04:05")}})}
	var cards []cardView
	held := b.inColumn(OnHold)
	for _, t := range held[:min(len(held), maxCards)] {
		cards = append(cards, b.card(t, nil))
	}
	asked, more := needs(cards, len(held))
	for _, c := range asked {
		lines = append(lines,
			look.line(row{{"1;" + yellow, "needs a person "}, {plain, c.ID + " " + c.Title + ": "},
				{yellow, c.Hold}}))
	}
	if more > 0 {
		lines = append(lines, look.line(row{{dim, "+" + number(more) + " more on hold"}}))
	}
	for i, broken := range b.Broken {
		if i == maxBroken {
			lines = append(lines,
				look.line(row{{dim, "+" + counted(len(b.Broken)-i, "more file") +
					" that cannot be read"}}))
			break
		}
		lines = append(lines,
			look.line(row{{"1;" + red, "cannot be read "}, {plain, line(broken.Why, maxTitle)}}))
	}
	return append(lines, "")
}

// beside prints the columns beside each other.
func (b *Board) beside(look Look, above int, text func(id string) (Text, error)) []string {
	width := (look.Width - columnGap*(len(Columns)-1)) / len(Columns)
	columns := make([][]row, len(Columns))
	height := 0
	for i, c := range Columns {
		columns[i] = b.column(c, look, width, above, text)
		height = max(height, len(columns[i]))
	}
	var lines []string
	for y := range height {
		var out strings.Builder
		for i, column := range columns {
			var r row
			if y < len(column) {
				r = column[y]
			}
			r.print(&out, width, look.Colour)
			if i < len(columns)-1 {
				out.WriteString(strings.Repeat(" ", columnGap))
			}
		}
		lines = append(lines, strings.TrimRight(out.String(), " "))
	}
	return lines
}

// column is one of several: its head, its tickets in a few lines each, and how many more there are.
func (b *Board) column(c Column, look Look, width, above int,
	text func(id string) (Text, error)) []row {
	list := b.inColumn(c)
	rows := []row{{{"1;" + columnStyles[c], c.String()}, {dim, " " + number(len(list))}},
		{{columnStyles[c], strings.Repeat("─", width)}}}
	for i, t := range list {
		card := printed(b.card(t, text), c, width)
		room := look.Height - above - len(rows) - 1
		if look.Height > 0 && len(card) > room || look.Height == 0 && i == maxPrinted {
			return append(rows, row{{dim, "+" + number(len(list)-i) + " more"}})
		}
		rows = append(rows, card...)
	}
	return rows
}

// printed is a card in lines, the last one empty.
func printed(c cardView, column Column, width int) []row {
	var rows []row
	style := bold
	if column == DoneToday {
		style = plain
	}
	for _, text := range wrap(c.Title, width, 2) {
		rows = append(rows, row{{style, text}})
	}
	rows = append(rows, meta(c, width))
	for _, r := range []row{status(c, column), note(c)} {
		rows = append(rows, r.wrap(width, 3)...)
	}
	return append(rows, row{})
}

// meta is a ticket's id and priority, and of the rest what fits.
func meta(c cardView, width int) row {
	priority := dim
	if c.Priority <= 1 {
		priority = red
	}
	r := row{{cyan, c.ID}, {priority, fmt.Sprintf(" P%d", c.Priority)}}
	var more []string
	if c.Boxes+c.Children > 0 {
		more = append(more, fmt.Sprintf(" %d%%", c.Percent()))
	}
	if more = append(more, " "+c.Type); c.Type == "" {
		more = more[:len(more)-1]
	}
	for _, tag := range c.Tags {
		more = append(more, " #"+tag)
	}
	for _, text := range more {
		if s := (span{dim, text}); append(r[:len(r):len(r)], s).width() <= width {
			r = append(r, s)
		}
	}
	return r
}

// status is what a column wants to know of a ticket.
func status(c cardView, column Column) row {
	switch column {
	case Ready:
		if c.Holder != "" {
			return row{{red, "✗ left by " + c.Holder + ", which died"}}
		}
	case InProgress:
		style, mark, more := green, "● ", ""
		switch c.Life {
		case Dead:
			style, mark, more = red, "✗ ", ", died"
		case Person:
			style, mark = blue, "■ "
		case Unknown:
			style, mark, more = yellow, "○ ", ", liveness unknown"
		}
		r := row{{style, mark + c.Holder + more}}
		if c.Age != "" {
			r = append(r, span{dim, " " + c.Age})
		}
		return r
	case Waiting:
		var ids []string
		for _, w := range c.Waits {
			ids = append(ids, line(w.ID, 64))
		}
		if c.MoreWaits > 0 {
			ids = append(ids, "+"+number(c.MoreWaits))
		}
		return row{{dim, "waits for " + strings.Join(ids, ", ")}}
	case OnHold:
		if !c.HoldUntil.IsZero() {
			return row{{yellow, strings.TrimSpace("not before " + c.HoldUntil.Format("2 Jan") +
				" " + c.Hold)}}
		}
		return row{{yellow, c.Hold}}
	case DoneToday:
		return row{{cyan, "✓ "}, {dim,
			strings.TrimSpace(c.Resolution + " " + c.Holder + " " + c.Age + " ago")}}
	}
	return nil
}

func note(c cardView) row {
	if c.Note != "" && (c.Column == InProgress.Key() || c.Holder != "" && c.Column == Ready.Key()) {
		return row{{dim, "“" + c.Note + "”"}}
	}
	return nil
}

// wrap breaks a text of one line at its spaces into at most so many lines.
func wrap(text string, width, most int) []string {
	var lines []string
	for len(lines) < most-1 && uniseg.StringWidth(text) > width {
		end := 0 // of what fits
		for i, r := range text {
			if r == ' ' && uniseg.StringWidth(text[:i]) <= width {
				end = i
			} else if r == ' ' {
				break
			}
		}
		if end == 0 {
			break
		}
		lines = append(lines, text[:end])
		text = text[end+1:]
	}
	return append(lines, cut(text, width))
}

// below prints the columns one below the other, a line for each ticket.
func (b *Board) below(look Look, above int, text func(id string) (Text, error)) []string {
	var lines []string
	most := maxPrinted
	if look.Height > 0 {
		most = max(1, (look.Height-above-2*len(Columns))/len(Columns))
	}
	for _, c := range Columns {
		list := b.inColumn(c)
		if len(list) == 0 {
			continue
		}
		lines = append(lines,
			look.line(row{{"1;" + columnStyles[c], c.String()}, {dim, " " + number(len(list))}}))
		ids := 0
		for _, t := range list[:min(len(list), most)] {
			ids = max(ids, len(t.ID))
		}
		for i, t := range list {
			if i == most {
				lines = append(lines, look.line(row{{dim, "  +" + number(len(list)-i) + " more"}}))
				break
			}
			lines = append(lines, look.line(b.short(t, c, min(ids, 12), look.Width, text)))
		}
		lines = append(lines, "")
	}
	if len(lines) == 0 {
		return []string{"no tickets"}
	}
	return lines[:len(lines)-1]
}

// short is a ticket on one line: what matters in its column stands behind the title, which gives
// way to it.
func (b *Board) short(t *Ticket, c Column, ids, width int, text func(id string) (Text, error)) row {
	card := b.card(t, text)
	priority := dim
	if card.Priority <= 1 {
		priority = red
	}
	r := row{{cyan, "  " + card.ID + strings.Repeat(" ", max(0, ids-len(card.ID)))},
		{priority, fmt.Sprintf(" P%d ", card.Priority)}}
	last := status(card, c)
	room := width - r.width()
	if last.width() > room/2 {
		last = last.cut(room / 2)
	}
	if len(last) > 0 {
		room -= last.width() + 2
	}
	r = append(r, span{plain, cut(cmp.Or(card.Title, "(no title)"), max(room, 8))})
	if len(last) > 0 {
		r = append(append(r, span{plain, "  "}), last...)
	}
	return r
}

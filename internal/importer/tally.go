package importer

import (
	"cmp"
	"slices"
)

// Outcome is what becomes of a value of theirs.
type Outcome int

const (
	Same    Outcome = iota // it means the same here
	Changed                // it has a place here, but says less or something else
	Kept                   // it has no place here and is kept under x-<source>
	Lost                   // it is not kept
	Skipped                // a whole item that becomes no ticket
)

func (o Outcome) String() string {
	return [...]string{"maps", "changes", "kept", "lost", "not imported"}[o]
}

// MarshalText makes an outcome a word in JSON too.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Row counts how often a value of theirs became something here.
type Row struct {
	Outcome Outcome `json:"outcome"`
	From    string  `json:"from"`
	To      string  `json:"to,omitempty"`
	Count   int     `json:"count"`
}

// Tally counts what becomes of all values. The zero value is empty.
type Tally struct{ counts map[Row]int }

func (t *Tally) add(o Outcome, from, to string) {
	t.count(Row{Outcome: o, From: from, To: to, Count: 1})
}

func (t *Tally) count(row Row) {
	if t.counts == nil {
		t.counts = map[Row]int{}
	}
	n := row.Count
	row.Count = 0
	t.counts[row] += n
}

// Rows lists the counts by outcome, then by name.
func (t *Tally) Rows() []Row {
	rows := make([]Row, 0, len(t.counts))
	for row, n := range t.counts {
		row.Count = n
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.From, b.From),
			cmp.Compare(a.To, b.To))
	})
	return rows
}

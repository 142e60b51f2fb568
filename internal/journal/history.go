package journal

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Query says which rows are wanted.
type Query struct {
	Ticket string // "" for all
	Since  Since
	By     string // an actor as rows have it, or its name alone; "" for all
	Limit  int
}

// Page is a part of the board's history, oldest row first: the first rows of a query that says
// since when, else the last ones.
type Page struct {
	Rows    []Row
	Earlier bool // there are earlier rows, where the query does not say since when
	Later   int  // there are so many later ones, where it does
	// Next continues behind the page: what is appended later is told then. A row may be told twice,
	// none is left out.
	Next Since
	// Unread are tickets whose journal could not be read.
	Unread []string
}

// ByActor reports whether a name means an actor.
func ByActor(name, actor string) bool {
	return actor != "" && (name == actor || strings.HasPrefix(actor, name+"@"))
}

// History tells what was done to the tickets, in the order of time.
func (j Journal) History(q Query) (Page, error) {
	files, err := j.candidates(q)
	if err != nil {
		return Page{}, err
	}
	c := collector{query: q}
	var page Page
	for _, f := range files {
		if c.complete(f.Modified) {
			c.over = true
			break
		}
		err := j.Ticket(f.Ticket, false, func(r Row) bool {
			c.add(r)
			return true
		})
		if err != nil {
			page.Unread = append(page.Unread, f.Ticket)
		}
	}
	c.finish(&page)
	return page, nil
}

// slack is how much later the clock of rows may be than that of files: some filesystems keep whole
// seconds, one keeps two.
const slack = 2 * time.Second

// candidates are the journals that may have rows of a query, the one changed last first. Modified
// is when the last row was appended or the ticket changed, whichever is later.
func (j Journal) candidates(q Query) ([]File, error) {
	if q.Ticket != "" {
		return []File{{Ticket: q.Ticket}}, nil
	}
	files, err := j.Files()
	if err != nil {
		return nil, err
	}
	kept := files[:0]
	for _, f := range files {
		info, err := os.Lstat(filepath.Join(filepath.Dir(j.dir), f.Ticket+".md"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && info.ModTime().After(f.Modified) {
			f.Modified = info.ModTime()
		}
		f.Modified = f.Modified.Add(slack)
		if q.Since.IsZero() || !f.Modified.Before(q.Since.time.Add(-margin)) {
			kept = append(kept, f)
		}
	}
	slices.SortFunc(kept, func(a, b File) int { return b.Modified.Compare(a.Modified) })
	return kept, nil
}

// key is a row's place in the board's history: rows of one ticket never have the same time.
type key struct {
	time   int64
	ticket string
}

func keyOf(r Row) key { return key{r.Time.UnixNano(), r.Ticket} }

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.time, other.time), cmp.Compare(k.ticket, other.ticket))
}

// collector keeps the rows of a page while any number of them goes by, in no order.
type collector struct {
	query Query
	rows  []Row // wanted ones
	again []Row // wanted ones that the cursor says were told
	keys  []key // of all rows in the margin before the page, and on it
	found int   // wanted ones
	over  bool  // and there are more of them
}

func (c *collector) cursor() key { return key{c.query.Since.time.UnixNano(), c.query.Since.ticket} }

// forward reports whether the page is the first rows since a moment, and not the last of all.
func (c *collector) forward() bool { return !c.query.Since.IsZero() }

func (c *collector) add(r Row) {
	since := c.query.Since
	if c.forward() && r.Time.Before(since.time.Add(-margin)) {
		return
	}
	k := keyOf(r)
	c.keys = append(c.keys, k)
	wanted := c.query.By == "" || ByActor(c.query.By, r.Actor)
	told := c.forward() && r.Time.Before(since.time) || since.ticket != "" &&
		k.compare(c.cursor()) <= 0
	switch {
	case !wanted:
	case told:
		c.again = append(c.again, r)
	default:
		c.found++
		c.rows = append(c.rows, r)
	}
	if len(c.keys) > 4*c.query.Limit+4096 {
		c.trim()
	}
}

// complete reports whether no row of a journal that was changed last at t can be on the page.
func (c *collector) complete(t time.Time) bool {
	if c.forward() || c.query.By != "" || len(c.rows) < c.query.Limit {
		return false // by whom the rows of the others are is not known
	}
	c.trim()
	return t.Before(c.rows[0].Time) && t.Before(c.rows[len(c.rows)-1].Time.Add(-margin))
}

func byKey(a, b Row) int { return keyOf(a).compare(keyOf(b)) }

// trim forgets what cannot be on the page any more.
func (c *collector) trim() {
	slices.SortFunc(c.rows, byKey)
	slices.SortFunc(c.again, byKey)
	limit := c.query.Limit
	if over := len(c.rows) - limit; over > 0 {
		c.over = true
		if c.forward() {
			c.rows = c.rows[:limit]
		} else {
			c.rows = slices.Delete(c.rows, 0, over)
		}
	}
	c.again = c.again[:min(len(c.again), limit)]
	if len(c.rows) < limit {
		return
	}
	last := keyOf(c.rows[limit-1])
	c.keys = slices.DeleteFunc(c.keys, func(k key) bool {
		if c.forward() {
			return k.compare(last) > 0
		}
		return k.time <= last.time-int64(margin)
	})
}

func (c *collector) finish(page *Page) {
	if c.query.Since.ticket != "" && c.digest(c.cursor()) != c.query.Since.told {
		// A row came late: it is among those that the margin holds, whichever it is.
		c.found += len(c.again)
		c.rows = append(c.again, c.rows...)
	}
	c.trim()
	page.Rows = c.rows
	if c.forward() {
		page.Later = c.found - len(c.rows)
	} else {
		page.Earlier = c.over
	}
	page.Next = c.query.Since
	switch n := len(c.rows); {
	case n > 0:
		last := keyOf(c.rows[n-1])
		page.Next = Since{time.Unix(0, last.time).UTC(), last.ticket, c.digest(last)}
	case !c.forward():
		page.Next = SinceTime(time.Unix(0, 0).UTC())
	}
}

// digest tells the rows in the margin before k, itself included, from any others.
func (c *collector) digest(k key) uint64 {
	var sum uint64
	for _, other := range c.keys {
		if other.compare(k) <= 0 && other.time > k.time-int64(margin) {
			h := fnv.New64a()
			fmt.Fprintf(h, "%d %s", other.time, other.ticket)
			sum += h.Sum64()
		}
	}
	return sum
}

// Each tells all rows of all tickets since a moment, those of one ticket in their order. It returns
// the tickets whose journals it could not read.
func (j Journal) Each(since time.Time, yield func(Row)) (unread []string, err error) {
	files, err := j.candidates(Query{Since: SinceTime(since)})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		err := j.Ticket(f.Ticket, false, func(r Row) bool {
			if !r.Time.Before(since) {
				yield(r)
			}
			return true
		})
		if err != nil {
			unread = append(unread, f.Ticket)
		}
	}
	return unread, nil
}

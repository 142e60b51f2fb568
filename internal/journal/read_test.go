package journal

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

func TestOutside(t *testing.T) {
	one, two, three, four := ticket+"1\n", ticket+"2\n", ticket+"3\n", ticket+"4\n"
	for name, c := range map[string]struct {
		play func(b *board)
		want string
	}{
		"never changed here": {func(b *board) { b.write("t", one) }, ""},
		"no file":            {func(b *board) {}, ""},
		"in order": {func(b *board) { b.change("t", "a", one); b.change("t", "a", two) },
			"call1 call2"},
		"there before": {func(b *board) { b.write("t", one); b.change("t", "a", two) },
			"call1"},
		"an editor between": {func(b *board) { b.change("t", "a", one); b.write("t", two); b.change("t", "a", three) },
			"call1 outside call2"},
		"an editor last": {func(b *board) { b.change("t", "a", one); b.write("t", two) },
			"call1 outside"},
		"removed":        {func(b *board) { b.change("t", "a", one); b.must(os.Remove(filepath.Join(b.dir, "t.md"))) }, "call1 outside"},
		"there and back": {func(b *board) { b.change("t", "a", one); b.write("t", two); b.write("t", one) }, "call1"},
		"both": {func(b *board) {
			b.change("t", "a", one)
			b.write("t", two)
			b.change("t", "a", three)
			b.write("t", four)
		}, "call1 outside call2 outside"},
		"appended twice": {func(b *board) {
			b.change("t", "a", one)
			b.must(b.journal.Append(b.rows("t")[0]))
		}, "call1"},
		"appended again, later": {func(b *board) {
			for _, text := range []string{one, two, three} {
				b.change("t", "a", text)
			}
			for _, r := range b.rows("t")[:2] {
				b.must(b.journal.Append(r))
			}
			b.change("t", "a", four)
		}, "call1 call2 call3 call4"},
		"appended again, an editor between": {func(b *board) {
			b.change("t", "a", one)
			b.change("t", "a", two)
			b.write("t", three)
			b.must(b.journal.Append(b.rows("t")[0]))
			b.change("t", "a", four)
		}, "call1 call2 outside call3"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t)
			c.play(b)
			rows := b.rows("t")
			if got := told(rows); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
			for i, r := range rows {
				if i > 0 && (!r.Time.After(rows[i-1].Time) || r.Before != rows[i-1].After) {
					t.Errorf("row %d does not follow the one before: %+v, %+v", i, rows[i-1], r)
				}
			}
			last, err := b.journal.Last("t", 2)
			b.must(err)
			if want := told(rows[max(0, len(rows)-2):]); told(last) != want {
				t.Errorf("the last two are %q, want %q", told(last), want)
			}
		})
	}
}

// While a change is under way, the file may be ahead of its rows: nothing is called outside.
func TestNothingIsOutsideUnderTheLock(t *testing.T) {
	b := newBoard(t)
	b.change("t", "a", ticket+"1\n")
	var locks flocker.Locks
	lock, err := locks.Acquire(t.Context(), filepath.Join(b.dir, "t.md.lock"))
	b.must(err)
	b.write("t", ticket+"2\n")
	if got := told(b.rows("t")); got != "call1" {
		t.Errorf("under the lock: %q", got)
	}
	b.must(lock.Unlock())
	if got := told(b.rows("t")); got != "call1 outside" {
		t.Errorf("after it: %q", got)
	}
}

// A clock that is set back changes no order.
func TestTimesDoNotGoBack(t *testing.T) {
	b := newBoard(t)
	for i := range 5 {
		b.now = began.Add(-1000 * b.now.Sub(began))
		b.change("t", "a", fmt.Sprint(ticket, i))
	}
	rows := b.rows("t")
	for i := 1; i < len(rows); i++ {
		if !rows[i].Time.After(rows[i-1].Time) {
			t.Errorf("row %d is of %s, the one before of %s", i, rows[i].Time, rows[i-1].Time)
		}
	}
}

// Last reads a long journal from its end, and rows that are longer than its first look.
func TestLast(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	b := newBoard(t)
	text := ""
	for i := range 100 {
		text = strings.Repeat(fmt.Sprintln(i), 1+i*200)
		b.change("t", "a", text)
	}
	for _, n := range []int{1, 5, 99, 100, 200} {
		last, err := b.journal.Last("t", n)
		b.must(err)
		all := b.rows("t")
		if want := told(all[max(0, len(all)-n):]); told(last) != want {
			t.Errorf("the last %d: %q, want %q", n, told(last), want)
		}
	}
}

// LastUntil tells what was outside of the rows only if it was before the content that the caller
// has.
func TestLastUntil(t *testing.T) {
	b := newBoard(t)
	b.change("t", "a", ticket)
	b.change("t", "a", ticket+"more\n")
	content := b.text("t")
	b.write("t", ticket+"by an editor\n")
	for _, test := range []struct {
		content []byte
		want    int // rows
	}{{nil, 3}, {content, 2}, {b.text("t"), 3}, {[]byte(ticket), 3}} {
		last, err := b.journal.LastUntil("t", 5, test.content)
		b.must(err)
		if len(last) != test.want {
			t.Errorf("%.40q: %q, want %d rows", test.content, told(last), test.want)
		}
	}
}

// A file that only looks like a journal costs the last rows neither memory nor time.
func TestLastOfHugeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	b := newBoard(t)
	b.change("t", "a", ticket)
	b.must(os.Truncate(b.journal.path("t"), 3<<30))
	began := time.Now()
	last, err := b.journal.Last("t", 5)
	if err != nil || len(last) > 0 {
		t.Errorf("%v, %v", last, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	b.change("t", "b", ticket+"more\n")
	if last, err := b.journal.Last("t", 5); err != nil || told(last) != "call2" {
		t.Errorf("%q, %v", told(last), err)
	}
}

func TestTorn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	b := newBoard(t)
	for i := range 3 {
		b.change("t", "a", fmt.Sprint(ticket, i))
	}
	text, err := os.ReadFile(b.journal.path("t"))
	b.must(err)
	rows := strings.SplitAfter(string(text), "}\n")
	for name, c := range map[string]struct{ text, want string }{
		"whole":       {rows[0] + rows[1] + rows[2], "call1 call2 call3"},
		"first torn":  {rows[0][:50] + rows[1] + rows[2], "call2 call3"},
		"middle torn": {rows[0] + rows[1][:50] + rows[2], "call1 outside call3"},
		"end torn":    {rows[0] + rows[1] + rows[2][:50], "call1 call2 outside"},
		"newline missing": {rows[0] + strings.TrimSuffix(rows[1], "\n") + rows[2],
			"call1 call2 call3"},
		"being written": {rows[0] + rows[1] + strings.TrimSuffix(rows[2], "\n"),
			"call1 call2 outside"},
		"zeros": {rows[0] + strings.Repeat("\x00", 5000) + rows[1] + rows[2],
			"call1 call2 call3"},
		"of another": {rows[0] + strings.Replace(rows[1], `"ticket":"t"`, `"ticket":"u"`, 1) +
			rows[2], "call1 outside call3"},
		"no hash": {rows[0] + strings.Replace(rows[1], `"after":"`, `"after":"x`, 1) +
			rows[2], "call1 outside call3"},
		"calls itself outside": {
			rows[0] + strings.Replace(rows[1], `"update"`, `"outside"`, 1) +
				rows[2], "call1 outside call3",
		},
		"too long": {rows[0] + "\n{" + strings.Repeat(" ", maxRow) + "}" + rows[1] + rows[2],
			"call1 call2 call3"},
		"CRLF": {strings.ReplaceAll(rows[0]+rows[1]+rows[2], "\n", "\r\n"),
			"call1 call2 call3"},
		"all empty": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b.must(os.WriteFile(b.journal.path("t"), []byte(c.text), 0o644))
			if got := told(b.rows("t")); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever stands in a journal, its whole rows are read, in their order, and nothing else.
func FuzzTorn(f *testing.F) {
	f.Add([]byte("\n{"), []byte("}\n"), []byte{0xff}, 40)
	f.Add([]byte(`{"ticket":"t"}`), []byte("\n\n"), []byte("\x00"), 0)
	f.Add([]byte(nil), []byte(`"`), []byte("\r"), 300)
	whole, err := rowOf(nil, []byte(ticket)).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b, c []byte, cut int) {
		cut = min(max(0, cut), len(whole)-2)
		var text []byte
		for _, part := range [][]byte{whole, a, whole, whole[:cut], whole, b, whole[cut:], whole, c} {
			text = append(text, part...)
		}
		n := 0
		end, err := rowsFrom(bytes.NewReader(text), 0, "t", func(r Row) bool {
			if r.Ticket != "t" || r.Time.IsZero() || !r.After.valid() {
				t.Errorf("%+v", r)
			}
			n++
			return true
		})
		if err != nil || end < 0 || end > int64(len(text)) {
			t.Fatal(end, err)
		}
		// b may end with a newline, which makes whole[cut:] whole where nothing of it is cut off.
		if n < 4 {
			t.Errorf("%d of the 4 whole rows were read from %q", n, text)
		}
	})
}

// A disk that fails amid the file is an error, not the end of the history.
func TestReadError(t *testing.T) {
	whole, err := rowOf(nil, []byte(ticket)).encode()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	r := readerAt{io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(os.ErrInvalid))}
	if _, err := rowsFrom(r, 0, "t", func(Row) bool { n++; return true }); err == nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// readerAt is read in order.
type readerAt struct{ io.Reader }

func (r readerAt) ReadAt(p []byte, _ int64) (int, error) { return r.Read(p) }

// Readers see whole rows in their order while a writer appends, and each sees all that were there
// when it began.
func TestReadWhileWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const rows = 300
	b := newBoard(t)
	var wg sync.WaitGroup
	begin := make(chan int, rows)
	for range 3 {
		wg.Go(func() {
			for have := range begin {
				n := 0
				err := b.journal.Ticket("t", true, func(r Row) bool {
					if n++; r.IsOutside() || r.Call != fmt.Sprint("call", n) {
						t.Errorf("row %d is %s of %s", n, r.Call, r.Tool)
					}
					return true
				})
				if err != nil || n < have {
					t.Errorf("%d rows of at least %d, %v", n, have, err)
				}
			}
		})
	}
	var locks flocker.Locks
	for i := range rows {
		lock, err := locks.Acquire(t.Context(), filepath.Join(b.dir, "t.md.lock"))
		b.must(err)
		next := fmt.Sprint(ticket, strings.Repeat("x", i*7), i)
		b.must(os.WriteFile(filepath.Join(b.dir, "t.tmp"), []byte(next), 0o644))
		before := b.text("t")
		b.must(os.Rename(filepath.Join(b.dir, "t.tmp"), filepath.Join(b.dir, "t.md")))
		b.must(b.journal.Append(Row{
			Time: began, Ticket: "t", Cause: Cause{Call: fmt.Sprint("call", i+1), Tool: "update"},
			Before: HashOf(before), After: HashOf([]byte(next)), Former: FormerOf(before, []byte(next)),
		}))
		b.must(lock.Unlock())
		begin <- i + 1
	}
	close(begin)
	wg.Wait()
}

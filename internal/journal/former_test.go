package journal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const ticket = "---\nid: t\nstatus: open\n---\n# T\n\nBody.\n"

func TestFormer(t *testing.T) {
	long := strings.Repeat("a line of the body that nobody touches\n", 200)
	for name, c := range map[string]struct {
		before, after string
		most          int // bytes kept
	}{
		"note": {ticket, ticket + "\n## Notes\n\n- one\n", 0},
		"status": {ticket, strings.Replace(ticket, "open", "in_progress\nclaimed-by: a@b", 1),
			10},
		"both ends": {ticket + long, strings.Replace(ticket, "open", "closed", 1) + long +
			"- note\n", 10},
		"body gone": {ticket + long, ticket, len(long)},
		"crlf": {"---\r\nstatus: open\r\n---\r\nx" + long,
			"---\r\nstatus: closed\r\n---\r\nx" + long + "y", 10},
		"no fence":    {"abc", "abd", 1},
		"fence added": {"# T\n", ticket, 20},
		"no utf-8":    {"---\nid: t\n---\n\xff\xfe\n", "---\nid: t\n---\n", 4},
		"emptied":     {ticket, "", len(ticket)},
		"was empty":   {"", ticket, 0},
		"dashes":      {"---\nid: t\n--- #\n---\nx", "---\nid: u\n--- #\n---\ny", 8},
	} {
		t.Run(name, func(t *testing.T) {
			r := rowOf([]byte(c.before), []byte(c.after))
			kept := 0
			for _, s := range r.Former {
				kept += len(s.Text) + len(s.Raw)
			}
			if kept > c.most {
				t.Errorf("%d bytes are kept, want at most %d: %+v", kept, c.most, r.Former)
			}
			restores(t, r, []byte(c.before), []byte(c.after))
		})
	}
}

func rowOf(before, after []byte) Row {
	return Row{
		Time: began, Ticket: "t", Cause: Cause{Call: "c", Tool: "update"},
		Before: HashOf(before), After: HashOf(after), Former: FormerOf(before, after),
	}
}

// restores checks that a row as it is read again makes the former text from the later one.
func restores(t rapid.TB, r Row, before, after []byte) {
	t.Helper()
	line, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	read, ok := decode("t", bytes.TrimSpace(line))
	if !ok {
		t.Fatalf("not read again: %s", line)
	}
	got, err := read.Restore(after)
	if err != nil || !bytes.Equal(got, before) {
		t.Fatalf("restored %q, %v; want %q\n%s", got, err, before, line)
	}
}

func TestFormerOfAnything(t *testing.T) {
	part := rapid.OneOf(rapid.SampledFrom([]string{"---\n", "\n---\n", "\r\n", "status: open\n",
		"- x\n", "\xff", "\u2028", "\x00"}),
		rapid.String())
	text := rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), ""))
	})
	rapid.Check(t, func(t *rapid.T) {
		before := text.Draw(t, "before")
		after := text.Draw(t, "after")
		if rapid.Bool().Draw(t, "edited") { // mostly the same
			at := rapid.IntRange(0, len(before)).Draw(t, "at")
			after = bytes.Join([][]byte{before[:at], before[at:]}, after)
		}
		restores(t, rowOf(before, after), before, after)
	})
}

// A row that somebody changed by hand restores nothing else than what its hashes say.
func TestRestoreRefuses(t *testing.T) {
	before, after := []byte(ticket), []byte(ticket+"more\n")
	r := rowOf(before, after)
	if _, err := r.Restore(before); err == nil {
		t.Error("another text than the row left was taken")
	}
	for _, former := range []string{
		`[{"at":-1}]`, `[{"at":1000}]`, `[{"at":0,"cut":1000}]`, `[{"at":5,"cut":-1}]`, `[]`,
		`[{"at":10},{"at":2}]`, `[{"at":0,"cut":3,"text":"x"}]`, `[{"at":9223372036854775807,"cut":1}]`,
	} {
		bad := r
		bad.Former = nil
		if err := json.Unmarshal([]byte(former), &bad.Former); err != nil {
			t.Fatal(err)
		}
		if got, err := bad.Restore(after); err == nil {
			t.Errorf("%s restored %q", former, got)
		}
	}
}

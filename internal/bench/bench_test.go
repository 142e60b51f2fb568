//go:build linux

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// tinyBench is the least that a bench can measure.
func tinyBench(t *testing.T) Options {
	t.Helper()
	o := Quick()
	o.Program, o.Dir, o.Timeout = servertest.Program(t), t.TempDir(), 10*time.Minute
	o.Cell, o.Sizes, o.Processes, o.Calls = 100*time.Millisecond, []int{100}, []int{1, 3}, 40
	o.changes, o.starts, o.idle, o.reads, o.looks = 6, 1, 20*time.Millisecond, 2, 1
	return o
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v (%v)", left, err)
	}
}

// TestBench looks at what a bench reports, not at how fast anything is.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some dozens of servers")
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	o := tinyBench(t)
	found, err := Run(t.Context(), o, nothing)
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, o.Dir)
	if m := found.Machine; m.Cores < 1 || m.Model == "" || m.Kernel == "" ||
		m.Filesystem == "unknown" {
		t.Errorf("machine: %+v", m)
	}
	if len(found.Changes) != 9 || len(found.Crowds) != 2*len(loads()) || len(found.Process) != 6 ||
		len(found.Reads) != 1 {
		t.Fatalf("%d changes, %d crowds, %d figures of a process, %d boards", len(found.Changes),
			len(found.Crowds), len(found.Process), len(found.Reads))
	}
	for _, c := range found.Changes {
		if c.Median <= 0 || c.P99 < c.Median || c.Ratio <= 0 {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range found.Crowds {
		// Shape is tested here, not speed.
		if c.Rate <= 0 || c.Ratio <= 0 || math.IsInf(c.Ratio, 0) || c.Fairness > 1 || c.Busy != 0 ||
			c.P50 <= 0 || c.CPU <= 0 || c.Max < c.P99 || c.P99 < c.P50 {
			t.Errorf("%+v", c)
		}
	}
	r := found.Reads[0]
	for _, d := range []time.Duration{r.Scan, r.First, r.Ready, r.Changed, r.Next, r.Close, r.List,
		r.Show} {
		if d <= 0 {
			t.Errorf("%+v", r)
		}
	}
	var text bytes.Buffer
	if err := found.Print(&text); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	for _, want := range []string{"(floor)", "one ticket: note", "100 tickets", "ratio <= 1.15 ",
		" targets met, in "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in the report", want)
		}
	}
	line, err := json.Marshal(found)
	var back Report
	if err == nil {
		err = json.Unmarshal(line, &back)
	}
	if err != nil || !cmp.Equal(back, found) {
		t.Errorf("--json does not say the same (%v): %s", err, cmp.Diff(back, found))
	}
}

// TestBenchInterrupted: whenever it is told to stop, it ends its servers and removes its folder.
func TestBenchInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers until it is stopped")
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	stopped := errors.New("stopped")
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond} {
		o := tinyBench(t)
		o.Cell = time.Minute // it is not done before
		ctx, stop := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(after, func() { stop(stopped) })
		defer timer.Stop()
		if _, err := Run(ctx, o, nothing); !errors.Is(err, stopped) {
			t.Errorf("stopped after %s: %v", after, err)
		}
		nothingLeft(t, o.Dir)
	}
}

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.99, 7},
		{[]time.Duration{3, 1, 2}, 0.5, 2},
		{[]time.Duration{3, 1, 2}, 0, 1},
		{[]time.Duration{3, 1, 2}, 1, 3},
		{[]time.Duration{4, 3, 1, 2}, 0.5, 2},
	} {
		if got := quantile(test.values, test.p); got != test.want {
			t.Errorf("quantile(%v, %g) = %v, want %v", test.values, test.p, got, test.want)
		}
	}
}

func TestPairRatio(t *testing.T) {
	for _, test := range []struct {
		a, b []time.Duration
		want float64
	}{
		{nil, nil, 0},
		// the machine became slower; the ratio did not
		{[]time.Duration{20, 200, 3000}, []time.Duration{10, 100, 1000}, 2},
		{[]time.Duration{20, 200, 9}, []time.Duration{10, 100}, 2},
		{[]time.Duration{20, 5}, []time.Duration{10, 0}, 2},
	} {
		if got := pairRatio(test.a, test.b); got != test.want {
			t.Errorf("pairRatio(%v, %v) = %g, want %g", test.a, test.b, got, test.want)
		}
	}
}

func TestTally(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	one := func(sent, got int) answered { return answered{at(sent), at(got)} }
	begin, end := at(0), at(2000)
	for _, test := range []struct {
		name     string
		lanes    [][]answered
		rate     float64
		fairness float64
		longest  time.Duration
	}{
		{"nothing", [][]answered{nil, nil}, 0, 0, 0},
		{"nobody", nil, 0, 0, 0},
		{"even", [][]answered{{one(0, 500), one(500, 2000)}, {one(0, 1000), one(1000, 1999)}}, 2, 1,
			1500 * time.Millisecond},
		{"one waits beyond the end", [][]answered{{one(0, 500), one(500, 1500)}, {one(0, 9000)}}, 1,
			0, 9 * time.Second},
		{"nothing ended in time", [][]answered{{one(0, 5000)}, {one(0, 8000)}}, 0.2, 0,
			8 * time.Second},
		{"a third", [][]answered{{one(0, 1), one(1, 2), one(2, 3)}, {one(0, 4)}}, 2, 1.0 / 3,
			4 * time.Millisecond},
	} {
		got := tallyUp(test.lanes, begin, end)
		if got.rate != test.rate || got.fairness != test.fairness ||
			quantile(got.waits, 1) != test.longest {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestGoal(t *testing.T) {
	for _, test := range []struct {
		goal goal
		want string
	}{
		{atMost("max", 4, 4, " s"), "max <= 4 s ok"},
		{atMost("max", 4.1, 4, " s"), "max <= 4 s MISSED"},
		{atLeast("fairness", 0.5, 1.0/3, ""), "fairness >= 0.3333 ok"},
		{atLeast("ratio", 0.59, 0.6, ""), "ratio >= 0.6 MISSED"},
	} {
		if got := test.goal.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestFilesystemOf(t *testing.T) {
	const mounts = `22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw
31 22 7:0 / /tmp/a\040b rw - xfs /dev/loop0 rw
32 22 0:26 / /tmp rw - btrfs /dev/vdb rw
`
	for path, want := range map[string]string{"/": "ext4", "/home/x": "ext4", "/tmpx": "ext4",
		"/tmp": "btrfs", "/tmp/y": "btrfs", "/tmp/a b/c": "xfs"} {
		if got := filesystemOf(mounts, path); got != want {
			t.Errorf("%s lies on %s, want %s", path, got, want)
		}
	}
	if got := filesystemOf("", "/"); got != "unknown" {
		t.Errorf("no mounts: %s", got)
	}
}

//go:build linux

package bench

import (
	"fmt"
	"slices"
	"time"
)

// What figures are made of measurements; all of it is pure.

// quantile is the value below or at which a share p of the values lies; 0 of none.
func quantile[T ~int64 | ~float64](values []T, p float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(p*float64(len(sorted)-1))]
}

func median[T ~int64 | ~float64](values []T) T { return quantile(values, 0.5) }

// pairRatio is the median of the ratios of interleaved measurements, pair by pair: what slows the
// machine for a while slows both of a pair.
func pairRatio(a, b []time.Duration) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			ratios = append(ratios, float64(a[i])/float64(b[i]))
		}
	}
	return median(ratios)
}

// fairness is the ratio of the slowest to the fastest: 1 when all got the same.
func fairness(counts []int) float64 {
	if len(counts) == 0 || slices.Max(counts) == 0 {
		return 0
	}
	return float64(slices.Min(counts)) / float64(slices.Max(counts))
}

// answered is one answered call.
type answered struct{ sent, got time.Time }

// tally is what came of a window of time in which processes made calls in closed loops.
type tally struct {
	rate     float64 // answers a second
	fairness float64
	waits    []time.Duration
}

// tallyUp counts, of each process, the answers that came before the end; a wait counts also when it
// went on behind the end, or the longest would be missed. A window in which no answer came ends
// with the first: a rate of 0 says nothing, and nothing can be compared with it.
func tallyUp(lanes [][]answered, begin, end time.Time) tally {
	var t tally
	var first time.Time
	for _, lane := range lanes {
		for _, a := range lane {
			t.waits = append(t.waits, a.got.Sub(a.sent))
			if first.IsZero() || a.got.Before(first) {
				first = a.got
			}
		}
	}
	if first.After(end) {
		end = first
	}
	counts := make([]int, len(lanes))
	total := 0
	for i, lane := range lanes {
		for _, a := range lane {
			if !a.got.After(end) {
				counts[i]++
				total++
			}
		}
	}
	t.rate = float64(total) / end.Sub(begin).Seconds()
	t.fairness = fairness(counts)
	return t
}

// goal is a target and what was measured.
type goal struct {
	What  string  `json:"what"`
	Got   float64 `json:"got"`
	Limit float64 `json:"limit"`
	Most  bool    `json:"most"` // whether the limit is the most that Got may be, or else the least
	Unit  string  `json:"unit,omitempty"`
	Met   bool    `json:"met"`
}

func atMost(what string, got, limit float64, unit string) goal {
	return goal{what, got, limit, true, unit, got <= limit}
}

func atLeast(what string, got, limit float64, unit string) goal {
	return goal{what, got, limit, false, unit, got >= limit}
}

func (g goal) String() string {
	sign, verdict := ">=", "ok"
	if g.Most {
		sign = "<="
	}
	if !g.Met {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%s %s %.4g%s %s", g.What, sign, g.Limit, g.Unit, verdict)
}

package tools

import (
	"testing"
	"time"
)

// TestLooks: how long looks have to rest, when each is asked for as soon as it may be, and when one
// comes after a sleep.
func TestLooks(t *testing.T) {
	start := time.Now()
	for _, test := range []struct {
		name  string
		look  time.Duration // what each takes
		share float64       // of the time that they take on a board that never rests, at most
		rate  float64       // a second
	}{
		{"quick", 100 * time.Microsecond, 0.011, 100},
		{"slow", 5 * time.Millisecond, 0.1, 25},
		{"very slow", 80 * time.Millisecond, 0.1, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l looks
			now, n := start, 0
			for ; now.Before(start.Add(time.Minute)); n++ {
				ended := now.Add(test.look)
				now = l.took(now, ended)
				if now.Before(ended) {
					now = ended
				}
			}
			if rate := float64(n) / 60; rate > test.rate {
				t.Errorf("%.1f looks a second", rate)
			}
			if share := float64(n) * test.look.Seconds() / 60; share > test.share {
				t.Errorf("they took %.3f of the time", share)
			}
		})
	}
	// A cold look on a busy machine, and a wake-up a little later.
	var l looks
	ended := start.Add(90 * time.Millisecond)
	if next := l.took(start, ended); next.After(ended) {
		t.Errorf("a wake-up after the first look waits for %s", next.Sub(ended))
	}
}

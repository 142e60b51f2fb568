package index

import (
	"fmt"
	"testing"
)

// TestFirstLookWatches: a large folder is watched from before its first look on, a small one never,
// and what happens from then on is told.
func TestFirstLookWatches(t *testing.T) {
	for _, tt := range []struct {
		tickets int
		watched bool
	}{{WatchFrom - 1, false}, {WatchFrom, true}} {
		t.Run(fmt.Sprint(tt.tickets), func(t *testing.T) {
			f := &folder{t: t, dir: t.TempDir()}
			for i := range tt.tickets {
				f.write(fmt.Sprintf("t%03d.md", i), ticket(""))
			}
			f.write("notes.txt", "no ticket")
			if err := f.x.Refresh(f.dir); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(f.x.Unwatch)
			if watched := f.x.Watch != nil; watched != tt.watched {
				t.Errorf("watched after the first look: %v", watched)
			}
			f.write("t001.md", ticket("priority: 0\n"))
			if err := f.x.Refresh(f.dir); err != nil {
				t.Fatal(err)
			}
			if got, err := f.x.Get("t001"); err != nil || got.Priority != 0 {
				t.Errorf("after a change: %+v, %v", got, err)
			}
			if watched := f.x.Watch != nil; watched != tt.watched {
				t.Errorf("watched after the second look: %v", watched)
			}
		})
	}
}

package tools_test

import (
	"testing"
	"time"
)

// TestLateReads: what a read could not look at in time is not told to be malformed.
func TestLateReads(t *testing.T) {
	t.Parallel()
	w := testWorld(t)
	w.layBoard("a open; b open blocked=a")
	s := w.session("me")
	s.board.Store.LockTimeout = time.Nanosecond
	for _, tool := range []string{"list", "ready"} {
		if r := call(t, s.board, tool, nil); r.code != "busy" {
			t.Errorf("%s after its time: %s", tool, r.text)
		}
	}
	if list, err := s.board.Standings(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("standings, which have no such time: %v, %v", list, err)
	}
}

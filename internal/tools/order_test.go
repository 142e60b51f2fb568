package tools_test

import (
	"fmt"
	"slices"
	"testing"
)

// TestCreationOrder: what one session creates at one moment is listed, and given out, in the order
// of its creation.
func TestCreationOrder(t *testing.T) {
	w := testWorld(t)
	s := w.session("me")
	var made []string
	for i := range 8 {
		made = append(made, call(t, s.board, "create",
			map[string]any{"title": fmt.Sprint("Step ", i)}).str("id"))
	}
	for _, tool := range []string{"list", "ready"} {
		if got := call(t, s.board, tool, map[string]any{}).ids("tickets"); !slices.Equal(got,
			made) {
			t.Errorf("%s: %v, created %v", tool, got, made)
		}
	}
	if got := call(t, s.board, "start", map[string]any{}).str("id"); got != made[0] {
		t.Errorf("start gives %s, the oldest is %s", got, made[0])
	}
}

package stdio

import (
	"testing"
	"time"
)

func TestPulseBeatsWhileItIsOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	p := newPulse()
	for range 2 {
		p.start()
		time.Sleep(2 * pulseTime)
		if !p.on.Load() {
			t.Error("it is not on")
		}
		p.stop()
		time.Sleep(2 * pulseTime) // a beat that was under way is over
		if p.timer.Stop() {
			t.Error("it goes on")
		}
	}
}

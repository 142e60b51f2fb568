package index

import (
	"fmt"
	"sync"
	"testing"
)

// TestFirstLookMissesNothing: what is written while a large folder is read for the first time, to
// a file that was read already, is seen by the next look. The watch has to begin before the scan.
func TestFirstLookMissesNothing(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	for i := range WatchFrom {
		f.write(fmt.Sprintf("t%03d.md", i), ticket(""))
	}
	var once sync.Once
	f.x.CheckBy(func(id string, content []byte) bool {
		if id == "t001" {
			once.Do(func() { f.write("t001.md", ticket("priority: 0\n")) })
		}
		return true
	})
	if err := f.x.Refresh(f.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.x.Unwatch)
	if f.x.Watch == nil {
		t.Fatal("not watched after the first look")
	}
	if got, err := f.x.Get("t001"); err != nil || got.Priority == 0 {
		t.Fatalf("the change came before the file was read: %+v, %v", got, err)
	}
	if err := f.x.Refresh(f.dir); err != nil {
		t.Fatal(err)
	}
	if got, err := f.x.Get("t001"); err != nil || got.Priority != 0 {
		t.Errorf("a change during the first look is not seen: %+v, %v", got, err)
	}
}

//go:build !linux

package index

// Watch: only Linux has a queue that is filled before the change returns.
type Watch struct{}

func newWatch(string) *Watch { return nil }

func (*Watch) close() {}

func (*Watch) drain() (names []string, complete bool) { return nil, false }

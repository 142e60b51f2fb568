//go:build etcd

package history_test

import (
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// Hosts whose clocks are apart. A host here is namespaces, and no namespace has a wall clock of its
// own: so the program under test has the clock that its environment tells. Only wall time is apart,
// as in reality: what a process measures by its monotonic clock is right everywhere.

// clockApart is the variable by which a server is told how far its clock is off.
const clockApart = "CLOCK_APART"

// clocks are how far the hosts' clocks are off.
var clocks = []time.Duration{0, 2 * time.Hour, -36 * time.Hour, 400 * 24 * time.Hour}

// readsClock has the program read a clock that may be off.
var readsClock = []servertest.Edit{
	{File: "cmd/ticket-mcp/options.go", Old: "		Now:     time.Now,\n",
		New: "		Now:     clockApart,\n"},
	{File: "cmd/ticket-mcp/options.go", Old: "session.New(session.NameFromEnv(os.Getenv), time.Now)",
		New: "session.New(session.NameFromEnv(os.Getenv), clockApart)"},
	{File: "cmd/ticket-mcp/engine_etcd.go", Old: "		Now: time.Now, Host",
		New: "		Now: clockApart, Host"},
	{File: "cmd/ticket-mcp/engine_etcd.go", Old: "func openEtcd(",
		New: `func clockApart() time.Time {
	d, err := time.ParseDuration(os.Getenv("` + clockApart + `"))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(d)
}

func openEtcd(`},
}

// apartServer is the program for shared boards that reads such a clock.
func apartServer(t *testing.T) string {
	t.Helper()
	needProcesses(t)
	return servertest.BrokenShared(t, "shared clocks apart", readsClock...)
}

// setClocks sets the clocks of sites.
func setClocks(sites []site) {
	for i := range sites {
		sites[i].apart = clocks[i%len(clocks)]
		sites[i].env = append(sites[i].env, clockApart+"="+sites[i].apart.String())
	}
}

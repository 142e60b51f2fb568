package tools_test

import (
	"flag"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
)

// A random board costs 100 ms and more of disk. The library's own number of them, 100, is for long
// runs; -rapid.checks asks for another.
func init() {
	if longtest.Wanted() {
		return
	}
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
}

// Package longtest says how much a run of the tests tries: a long run everything, each other run
// what takes minutes.
package longtest

import (
	"math/rand/v2"
	"os"
)

// Wanted reports whether this is a long run, which takes an hour: with TICKET_MCP_LONG set.
func Wanted() bool { return os.Getenv("TICKET_MCP_LONG") != "" }

// Sample is which of n cases this run tries, as their indexes: all in a long run, else each eighth
// from a random one on, but at least one, so that some runs try all.
func Sample(n int) []int {
	first, each := 0, 1
	if !Wanted() {
		each = min(8, n)
		first = rand.N(each)
	}
	var some []int
	for i := first; i < n; i += each {
		some = append(some, i)
	}
	return some
}

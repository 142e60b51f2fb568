// Package longtest says how much a run of the tests tries: a long run everything, each other run
// what takes minutes.
package longtest

import (
	"math/rand/v2"
	"os"
)

// Wanted reports whether this is a long run, which takes an hour: with TICKET_MCP_LONG set.
func Wanted() bool { return os.Getenv("TICKET_MCP_LONG") != "" }

// Sample is which of n cases this run tries, as their indexes: all in a long run, else an eighth of
// them, but at least one.
func Sample(n int) []int { return Some(n, max(n/8, 1)) }

// Some is a sample of a number of cases: they are as far from each other as they can be, and the
// first is a random one, so that some runs try all.
func Some(n, number int) []int {
	if Wanted() {
		number = n
	}
	if number = min(number, n); number == 0 {
		return nil
	}
	each := n / number
	first := rand.N(n - (number-1)*each)
	var some []int
	for i := range number {
		some = append(some, first+i*each)
	}
	return some
}

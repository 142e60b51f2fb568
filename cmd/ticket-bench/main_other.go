//go:build !linux

// Command ticket-bench measures ticket-mcp by what Linux alone tells of processes.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "ticket-bench: only on Linux")
	os.Exit(2)
}

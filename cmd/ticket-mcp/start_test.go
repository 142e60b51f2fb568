package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

func TestOnlyServes(t *testing.T) {
	for line, want := range map[string]bool{
		"": true, "--read-only": true, "--dir /x --lock-timeout 5s --log-level=debug": true,
		"--tool-prefix t_ --tags a,b --agent Ada --worktree-local": true,
		"list":          false,
		"--dir /x list": false, "--read-only=false list": false, "--dir list": true, // a folder
		"--help": false, "-h": false, "--version": false, "help": false, "--dirr /x": false,
		"-read-only": false, "--lock-timeout x": false, "--dir": false, "__complete list": false,
	} {
		if got := onlyServes(strings.Fields(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// maxInit is how many bytes the packages of a program may allocate before main. Each server pays
// for them in time and in memory. What a page needs is made when there is a page.
const maxInit = 4 << 20

// TestStartIsLean adds up what initialises itself in a server.
func TestStartIsLean(t *testing.T) {
	if servertest.UnderRace() {
		t.Skip("the race detector allocates too")
	}
	server := exec.Command(servertest.Program(t), "version")
	server.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := server.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if fault := initFault(string(trace)); fault != "" {
		t.Error(fault)
	}
	more := fmt.Sprintf("%s\ninit example.org/x @1.0 ms, 0.1 ms clock, %d bytes, 9 allocs", trace,
		maxInit/2)
	if initFault(more) == "" || initFault("") == "" {
		t.Error("a program that initialises more, or tells nothing, was found to be lean")
	}
}

// initFault says what allocates most where it is too much in all.
func initFault(trace string) string {
	type initialised struct {
		name  string
		bytes int
	}
	var all []initialised
	sum := 0
	lines := bufio.NewScanner(strings.NewReader(trace))
	for lines.Scan() {
		var in initialised
		var at, took float64
		if n, _ := fmt.Sscanf(lines.Text(), "init %s @%g ms, %g ms clock, %d bytes", &in.name, &at,
			&took, &in.bytes); n == 4 {
			all, sum = append(all, in), sum+in.bytes
		}
	}
	slices.SortFunc(all, func(a, b initialised) int { return cmp.Compare(b.bytes, a.bytes) })
	if len(all) == 0 || sum > maxInit {
		return fmt.Sprintf("%d bytes, at most %d; most of it: %v", sum, maxInit, all[:min(5, len(all))])
	}
	return ""
}

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// diagnosis is what doctor says with --json.
type diagnosis struct {
	Board      string          `json:"board"`
	Filesystem string          `json:"filesystem"` // "ok", or why its locks are not to be trusted
	Findings   []tools.Finding `json:"findings"`
}

// doctor examines a board for people and for CI. Exit status: 0 nothing is wrong, 1 something is, 2 it could not look.
func doctor(args []string) int {
	f := flag.NewFlagSet("ticket-mcp doctor", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object")
	fix := f.Bool("fix", false, "mend what needs no decision of somebody")
	b, err := commandBoard(f, args)
	if err != nil {
		return exitOn(err)
	}
	ctx := context.Background()
	var r diagnosis
	if r.Board, err = b.Store.Dir(); err != nil {
		return exitOn(err)
	}
	if r.Filesystem, err = b.Filesystem(ctx); err != nil {
		return exitOn(err)
	}
	if r.Findings, err = b.Examine(); err != nil {
		return exitOn(err)
	}
	if *fix {
		if err := b.Mend(ctx, r.Findings); err != nil {
			return exitOn(err)
		}
	}
	if err := r.print(*asJSON); err != nil {
		return exitOn(err)
	}
	for _, finding := range r.Findings {
		if !finding.Mended {
			return 1
		}
	}
	if r.Filesystem != tools.FilesystemOK {
		return 1
	}
	return 0
}

func (r diagnosis) print(asJSON bool) error {
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("board: %s\nlocks: %s\n", r.Board, r.Filesystem)
	for _, finding := range r.Findings {
		fmt.Println(finding.Line())
	}
	if len(r.Findings) == 0 {
		fmt.Println("nothing is wrong with the tickets")
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"unicode"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// list, ready and show give people on the command line the answers that agents get.

func list(args []string) int {
	f := flag.NewFlagSet("ticket-mcp list", flag.ContinueOnError)
	var in struct {
		Status   string `json:"status,omitempty"`
		Type     string `json:"type,omitempty"`
		Priority int    `json:"priority,omitempty"`
		Parent   string `json:"parent,omitempty"`
		Assignee string `json:"assignee,omitempty"`
		Query    string `json:"query,omitempty"`
		Limit    int    `json:"limit,omitempty"`
		Cursor   string `json:"cursor,omitempty"`
	}
	f.StringVar(&in.Status, "status", "", "only open, in_progress or closed ones")
	f.StringVar(&in.Type, "type", "", "only this type")
	f.IntVar(&in.Priority, "priority", 0, "only this priority")
	f.StringVar(&in.Parent, "parent", "", "only children of this ticket")
	f.StringVar(&in.Assignee, "assignee", "", "only this person's")
	f.StringVar(&in.Query, "query", "", "text in title or body")
	f.IntVar(&in.Limit, "limit", 0, "how many lines (default 20)")
	f.StringVar(&in.Cursor, "cursor", "", "where the page before ended")
	return printAnswer(f, args, "list", func([]string) (any, error) { return in, nil })
}

func ready(args []string) int {
	f := flag.NewFlagSet("ticket-mcp ready", flag.ContinueOnError)
	var in struct {
		Limit  int    `json:"limit,omitempty"`
		Type   string `json:"type,omitempty"`
		Parent string `json:"parent,omitempty"`
	}
	f.IntVar(&in.Limit, "limit", 0, "how many lines (default 20)")
	f.StringVar(&in.Type, "type", "", "only this type")
	f.StringVar(&in.Parent, "parent", "", "only children of this ticket")
	return printAnswer(f, args, "ready", func([]string) (any, error) { return in, nil })
}

func show(args []string) int {
	f := flag.NewFlagSet("ticket-mcp show", flag.ContinueOnError)
	offset := f.Int("offset", 0, "byte of the body to read on from")
	return printAnswer(f, args, "show", func(rest []string) (any, error) {
		if len(rest) != 1 {
			return nil, errors.New("usage: ticket-mcp show [flags] ID")
		}
		return map[string]any{"id": rest[0], "offset": *offset}, nil
	})
}

// printAnswer calls a tool with what the flags say and prints its text. Exit status 1 for a refusal, 2 for wrong use.
func printAnswer(f *flag.FlagSet, args []string, tool string, arguments func(rest []string) (any, error)) int {
	b, err := commandBoard(f, args)
	if err != nil {
		return exitOn(err)
	}
	in, err := arguments(f.Args())
	if err != nil {
		return exitOn(err)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return exitOn(err)
	}
	answer, err := b.Call(context.Background(), tool, text)
	if err != nil {
		exitOn(err)
		return 1
	}
	fmt.Println(strings.TrimRight(printable(answer.Text()), "\n"))
	return 0
}

// printable leaves out what a terminal would obey: a ticket's text is somebody's words.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// commandBoard parses a command's flags, the board's among them.
func commandBoard(f *flag.FlagSet, args []string) (*tools.Board, error) {
	var o options
	boardFlags(f, &o)
	if err := parseFlags(f, &o, args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 && f.Name() != "ticket-mcp show" {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return newBoard(o)
}

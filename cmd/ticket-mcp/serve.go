package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// serve is the server: until standard input ends or a signal comes. A person at a terminal, who
// would wait for it to say something, is told what it is for instead.
func serve(c *cobra.Command, o options) error {
	if terminal.Is(os.Stdin) {
		return c.Help()
	}
	// Nothing but the protocol may reach the real standard output; a stray print goes where the
	// logs go.
	out := os.Stdout
	os.Stdout = os.Stderr
	log := newLogger(os.Stderr, o.logLevel)
	b, err := newBoard(o)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	b.Ended = ended
	// The board is found now, since the working directory may be gone before the first call, and a
	// conversation that goes on in this process lives from here on. What is in the way of that,
	// each call says for itself.
	b.Attend()
	s, err := tools.NewServer(b, tools.Offer{Version: buildVersion(), ReadOnly: o.readOnly,
		Prefix: o.toolPrefix}, log)
	if err != nil {
		return usageError{err}
	}
	if err := stdio.Listen(c.Context(), s, os.Stdin, out, func() { close(ended) },
		log); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// newLogger writes to w, coloured only for a terminal.
func newLogger(w *os.File, level slog.Level) *slog.Logger {
	return slog.New(tint.NewTextHandler(io.Writer(w),
		&tint.Options{Level: level, NoColor: !terminal.Is(w)}))
}

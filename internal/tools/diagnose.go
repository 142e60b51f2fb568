package tools

import (
	"context"
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Diagnosis is what doctor says of a board.
type Diagnosis struct {
	Board string `json:"board"`
	// FilesystemOK, or why its locks are not to be trusted
	Filesystem string `json:"filesystem"`
	// what the filesystem does not give, though its locks are good
	Note string `json:"note,omitempty"`
	// "ok", or what limits telling who of the holders lives
	Liveness string `json:"liveness"`
	Journal  string `json:"journal"` // how large it is, or why it cannot be used
	// how what keeps a shared board is
	Engine   []ticketfs.Fact `json:"engine,omitempty"`
	Findings []Finding       `json:"findings"`
	// files that do not want to be tickets, which is nothing wrong
	NoTickets []string `json:"no_tickets,omitempty"`
}

// Diagnose examines the whole board, without locks but for a probe of them.
func (b *Board) Diagnose(ctx context.Context) (Diagnosis, error) {
	c := b.newCall("doctor")
	folder, err := c.open()
	if err != nil {
		return Diagnosis{}, err
	}
	c.attend(ctx)
	d := Diagnosis{Board: folder.Dir(), Engine: folder.Health(), Liveness: session.LivenessOK,
		Filesystem: FilesystemOK}
	if d.Engine == nil { // a shared board has neither locks nor slots
		d.Liveness = session.Liveness(d.Board)
		if d.Filesystem, err = c.filesystem(ctx); err != nil {
			return d, err
		}
	}
	if kind, err := ticketfs.MemoryFS(d.Board); err == nil && kind != "" {
		d.Note = "on " + kind +
			" nothing survives the machine, and what a program writes through a shared mapping of a ticket may not be seen"
	}
	d.Journal = journalSize(folder.Journal())
	if d.Findings, err = c.examine(ctx); err != nil {
		return d, err
	}
	v, err := c.snapshot()
	if err == nil {
		d.NoTickets = v.NoTickets()
	}
	return d, err
}

// Repair does what the findings propose, each under the locks and decided again there, and marks
// what was done.
func (b *Board) Repair(ctx context.Context, found []Finding) error {
	c := b.newCall("repair")
	if _, err := c.open(); err != nil {
		return err
	}
	c.attend(ctx)
	return c.repairAll(ctx, "", found)
}

// journalSize says how much there is of a journal, which nothing ever cuts.
func journalSize(j journal.Journal) string {
	files, err := j.Files()
	if err != nil {
		return "cannot be used: " + oneLine(err.Error(), 200)
	}
	var size int64
	for _, f := range files {
		size += f.Size
	}
	return fmt.Sprintf("%s, %.1f MB", counted(len(files), "ticket"), float64(size)/1e6)
}

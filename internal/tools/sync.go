package tools

import (
	"context"
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// syncAnswer is what sync found.
type syncAnswer struct {
	Mirror  string  `json:"mirror"` // the folder, which shows the board as it is
	Tickets int     `json:"tickets"`
	Strays  []stray `json:"strays,omitempty"`
}

// stray is a file that git has and that is not the ticket.
type stray struct {
	ID    string `json:"id"`
	State string `json:"state"` // missing, differs, same
}

func (a syncAnswer) Text() string {
	lines := []string{fmt.Sprintf("%s shows %s", oneLine(a.Mirror, maxPath),
		counted(a.Tickets, "ticket"))}
	for _, s := range a.Strays {
		lines = append(lines, s.ID+".md "+strayText(s.State))
	}
	return joinLines(lines...) + "\n"
}

// strayText says what a stray file is, and what to do with it.
func strayText(state string) string {
	switch ticketfs.StrayState(state) {
	case ticketfs.StrayMissing:
		return "is not on the shared board; if it shall be, ticket-mcp create makes it there; then remove the file"
	case ticketfs.StraySame:
		return "is what the shared board has; remove the file"
	}
	return "differs from the shared board, which counts; take over by ticket-mcp edit or note what is missing there, then remove the file"
}

// Sync brings a shared board's mirror up to date, and names what git has that the board has not.
// Nothing of that is taken over by itself.
func (b *Board) Sync(ctx context.Context) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Store.LockTimeout)
	defer cancel()
	c := b.newCall("sync")
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	if folder.Shared() == nil {
		return nil, ticketfs.Refuse(ticketfs.NoChange, "nothing to do",
			"%s is a local board: its files are the tickets", folder.Dir())
	}
	c.attend(ctx)
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	if err := c.folder.Current(); err != nil {
		return nil, err
	}
	a := syncAnswer{Mirror: folder.Dir(), Tickets: len(v.IDs())}
	found, err := folder.Strays(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		a.Strays = append(a.Strays, stray{s.ID, string(s.State)})
	}
	return a, nil
}

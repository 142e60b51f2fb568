package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// editCommand opens a copy of a ticket in an editor and takes over what came of it. The ticket
// itself is not locked meanwhile.
func editCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "edit ID", Short: "Edit a ticket's file in $EDITOR", GroupID: "tickets",
		Long: `edit opens a copy of the ticket's file in $VISUAL or $EDITOR. When that ends, the text is taken over as any change is: if somebody
changed the ticket meanwhile, their change stays and is shown, and yours stays in the copy. Status, claim, parent and blockers
are changed by their own commands.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("ID is missing; usage: ticket-mcp edit ID")}
			}
			return noArgs(nil, args[1:])
		},
		ValidArgsFunction: complete(o, "id", property{}, ""),
	}
	asJSON := c.Flags().Bool("json", false, "print the structured answer, as one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		return edit(c, b, args[0], *asJSON)
	}
	return c
}

func edit(c *cobra.Command, b *tools.Board, id string, asJSON bool) error {
	before, err := b.Text(id)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ticket-mcp-edit-")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, id+".md")
	after, err := editCopy(path, before)
	if err == nil && bytes.Equal(after, before) {
		fmt.Fprintln(c.OutOrStdout(), "nothing was changed")
		return os.RemoveAll(dir)
	}
	var answer tools.Answer
	if err == nil {
		answer, err = b.EditText(c.Context(), id, before, after)
	}
	if err != nil {
		if now, readErr := b.Text(id); ticketfs.CodeOf(err) == ticketfs.Busy && readErr == nil &&
			!bytes.Equal(now, before) {
			theirs := diff.Diff(id+".md as you began", before, id+".md as it is now", now)
			fmt.Fprint(c.OutOrStdout(), terminal.Printable(string(theirs)))
		}
		return fmt.Errorf("%w; your text is in %s", err, path)
	}
	return errors.Join(printAnswer(c, "edit", answer, asJSON), os.RemoveAll(dir))
}

// editCopy lets a person edit a copy of a text.
func editCopy(path string, text []byte) ([]byte, error) {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	// As git does it: the variable may hold a command with arguments.
	cmd := exec.Command("sh", "-c", editor+` "$@"`, editor, path)
	if runtime.GOOS == "windows" {
		cmd = exec.Command(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "notepad"), path)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run the editor %s: %w", editor, err)
	}
	return os.ReadFile(path)
}

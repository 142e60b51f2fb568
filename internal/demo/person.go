package demo

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// answer is what a person types.
func (d *Demo) answer(ctx context.Context, t ticket) error {
	cmd := exec.CommandContext(ctx, d.options.Program, "answer", "--dir", d.Dir, t.ID, reply)
	cmd.Env = append(personEnvironment(), d.options.Env...)
	// whose name no git configuration of this machine knows
	cmd.Env = append(cmd.Env, "USER="+person, "HOME="+d.root)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("answer: %w: %s", err, out)
	}
	d.mu.Lock()
	d.made = append(d.made, change{"answer", person, t.ID, reply})
	d.mu.Unlock()
	d.tell(person, false, "answers on the command line: ticket-mcp answer %s %q", t.ID, reply)
	return nil
}

// personEnvironment is the environment without what tells a command that it runs in an agent's
// shell.
func personEnvironment() []string {
	agents := []string{"CLAUDECODE=", "CODEX_THREAD_ID=", "GEMINI_CLI=", "USER=", "HOME="}
	return slices.DeleteFunc(client.Environment(), func(variable string) bool {
		return slices.ContainsFunc(agents,
			func(name string) bool { return strings.HasPrefix(variable, name) })
	})
}

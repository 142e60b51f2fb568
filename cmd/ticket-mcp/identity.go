package main

import (
	"cmp"
	"os"
	"os/user"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// personBoard is newBoard for a command that somebody types: a person, or an agent in the shell of
// its client, which acts for its conversation without being the witness that it lives.
func personBoard(o options) (*tools.Board, error) {
	b, err := newBoard(o)
	if err != nil {
		return nil, err
	}
	name, agent := session.InShell(os.Getenv)
	b.Session = session.NewVisitor(name, time.Now)
	if !agent {
		b.Person = person(b.WorkDir)
	}
	return b, nil
}

// person is what a person is called in claims and notes: as in git's commits, else by the name they
// log in with.
func person(dir string) string {
	login := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"))
	if u, err := user.Current(); err == nil {
		login = cmp.Or(login, u.Username)
	}
	const unnamed = "somebody"
	for _, name := range []string{board.UserName(dir), login} {
		if session.AgentName(name) != session.AgentName("") { // of some alphabets nothing can stand in a claim
			return name
		}
	}
	return unnamed
}

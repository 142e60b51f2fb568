// Package board finds the ticket folder of a repository, through linked worktrees.
//
// Promised: every server of a repository finds the same folder, or none and the reason (NoBoardError). No git command is run.
//
// Not promised: that the folder stays; whoever keeps it looks again.
package board

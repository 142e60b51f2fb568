// Package board tells which folder has the tickets of a place in the filesystem.
//
// Promised: in a git repository there is one board, the same for every process whenever it starts and from whichever
// worktree: a claim that others cannot see is no claim. Where it cannot be told which one that is, the answer is NotFound
// with the reason and the command that decides it, never a second board. Git's files are read by its own rules; no git is
// run and no variable of git's is asked. What is written in a git folder is one small file, in repositories without a main
// worktree that can be told from it (see record), and nothing else but what Hide writes.
//
// Not promised: that the board is still there when Find returns.
package board

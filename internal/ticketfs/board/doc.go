// Package board tells which folder has the tickets of a place in the filesystem, and keeps git from
// seeing what in it is of this machine only.
//
// Promised: in a git repository there is one board, the same for every process whenever it starts
// and from whichever worktree: a claim that others cannot see is no claim. Where it cannot be told
// which one that is, the answer is NotFound with the reason and the command that decides it, never
// a second board. Git's files are read by its own rules; no git is run, but by GitSees, and no
// variable of git's is asked. In a git folder two things are written: a small record, where no rule
// of git's names a main worktree, and lines of info/exclude.
//
// Not promised: that the board is still there when Find returns.
package board

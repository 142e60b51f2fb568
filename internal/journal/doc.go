// Package journal keeps what was done to each ticket: one row for a change, one file for a ticket,
// .tickets/.journal/<id>.jsonl, which is of this machine only. The ticket is the truth; the journal
// tells how it came to be so, and holds what is needed to bring an earlier text back.
//
// Promised: rows of a ticket stand in the order of its changes, as long as each is appended under
// that ticket's lock. A row is whole or it is skipped: a reader may read while others write, and a
// file that was torn by a full disk or a crash loses the torn rows alone. A change that left no row
// (an editor, git, a process killed before its row) is seen in the hashes of its neighbours and
// shown as an outside row; see Outside. A row that was appended again is told once, unless a thousand
// others stand between. A reader's memory does not grow with the journal.
//
// Not promised: that a row survives a power loss, since nothing is synced here, or `git clean -x`.
// There is no rotation: a ticket's history ends with its file.
package journal

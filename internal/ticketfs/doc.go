// Package ticketfs keeps tickets as files: one Markdown file with YAML front matter per ticket, in
// one folder, shared by any number of processes, by editors and by git.
//
// Three ideas carry it. A ticket is its bytes: a Document is parsed without loss and edited by
// field, and bytes that nobody asked to change do not change. There is one door: every write goes
// through Store.WithTicketLock, which holds the ticket's lock from before the read until after the
// write. And a rule that spans tickets is judged under one more lock, the relations lock, on what
// is read under it: Store.Change.
//
// Promised: a write that returned nil is durable and is never overwritten by another process that
// uses the same locks; a process that dies at any instruction leaves the old or the new content and
// no lock; what cannot be read as a ticket is an error with its position, never a default.
//
// Not promised: that programs which take no locks (editors, git) cannot overwrite a change. One
// that writes between our read and our rename is noticed, up to the last microseconds, and wins.
// Locks between machines, over a network filesystem, are as good as that filesystem's; see
// UnprovenFS.
package ticketfs

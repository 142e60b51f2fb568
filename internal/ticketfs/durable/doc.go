// Package durable reads, stamps and replaces one file, and makes names in a folder survive a power
// loss. All that differs between systems in doing so stands here.
//
// Promised: a Replacement makes new content the file at a path, whole or not at all; after its Sync
// the content survives a power loss; a file that another program changed since it was read is not
// replaced (ChangedError), up to the microseconds between the last check and the rename. Nothing is
// read through a link, and a FIFO blocks nobody (NotRegularError).
//
// An Append is one write, without a sync.
//
// Not promised: that two processes do not replace the same file at once. Whoever calls holds the
// file's lock.
package durable

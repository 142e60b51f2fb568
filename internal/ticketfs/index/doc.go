// Package index keeps the fields of all tickets of a folder in memory, and who names whom.
//
// Promised: reads are never stale: Refresh revalidates before each use, by the files' stamps or
// from a watch, so that an answer reflects every write that was answered before the question. A
// malformed file is kept with its fault and hides no other. One that does not want to be a ticket,
// a README, is none: unless another ticket names it or its journal says that it was one.
//
// Not promised: that what it says still holds a moment later; whoever decides by it holds the
// relations lock. It keeps nothing on the disk and may be thrown away at any time.
package index

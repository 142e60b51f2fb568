// Package index keeps the fields of all tickets of a folder in memory, and who names whom.
//
// Promised: reads are never stale: Refresh revalidates before each use, by the files' stamps or from a watch, so that an answer
// reflects every write that was answered before the question. A file that is no ticket is kept with its error and hides no other.
//
// Not promised: that what it says still holds a moment later; whoever decides by it holds the relations lock. It keeps nothing
// on the disk and may be thrown away at any time.
package index

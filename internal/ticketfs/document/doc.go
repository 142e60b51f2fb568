// Package document is a ticket file as a value: its bytes, the fields they say, and edits that
// change named fields only.
//
// Promised: Parse keeps every byte; an edit changes the lines of the fields and sections it names
// and nothing else, and is checked by reading its result again; what cannot be read as a ticket is
// a Malformed with line and column, never a default.
//
// Not promised: anything about files. The package does no I/O and is the only one that imports
// yaml.
package document

// Package session tells whether the holder of a ticket lives.
//
// Promised: liveness is a kernel lock: a session is alive while it holds its lock file in the ticket folder, so a death shows at
// once and a living owner never loses a ticket to a time-out. Nothing is called dead without proof.
//
// Not promised: liveness of sessions on other machines, or behind filesystems whose locks do not reach here: those are unknown.
package session

//go:build !linux && !darwin

package session

// bootID: this system does not tell; the host and the lock decide alone.
func bootID() string { return "" }

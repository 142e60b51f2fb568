//go:build !linux && !darwin

package ticketfs

// UnprovenFS: this system is not asked.
func UnprovenFS(string) (string, error) { return "", nil }

//go:build !linux && !darwin

package durable

// UnprovenFS: this system is not asked.
func UnprovenFS(string) (string, error) { return "", nil }

// MemoryFS: this system is not asked.
func MemoryFS(string) (string, error) { return "", nil }

//go:build unix && !linux

package stdio

// halfClosed is nothing that poll(2) could say here.
const halfClosed = 0

//go:build unix && !linux

package board

// foreignMount reports whether path is on another device than the folder around it: the system has
// no table of mounts.
func foreignMount(path string) (bool, error) { return otherDevice(path) }

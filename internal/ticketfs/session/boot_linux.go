package session

import (
	"os"
	"strings"
)

// bootID names the kernel's run, "" when it is not told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

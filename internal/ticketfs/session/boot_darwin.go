package session

import "golang.org/x/sys/unix"

// bootID names the kernel's run, "" when it is not told.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}

package flocker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// holder asks /proc/locks who holds the lock on the file at path. A line there reads, for example,
//
//	1: FLOCK  ADVISORY  WRITE 4711 fe:00:131077 0 EOF
//
// with the device in hexadecimal, the inode in decimal, and lines of waiters marked by "->". A
// process in another pid namespace, or a filesystem that reports two device numbers (btrfs), is not
// found: then nobody is named, rather than the wrong one.
func holder(path string) Holder {
	info, err := os.Stat(path)
	if err != nil {
		return Holder{}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Holder{}
	}
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)),
		st.Ino)
	// The kernel gives the table in pieces, and a line that moves between two of them while locks
	// come and go is missed.
	const tries = 10
	for range tries {
		table, err := os.ReadFile("/proc/locks")
		if err != nil {
			return Holder{}
		}
		if pid := holderIn(string(table), file); pid > 0 {
			return Holder{PID: pid, Program: program(pid)}
		}
	}
	return Holder{}
}

// holderIn finds the process that holds the lock on a file in the text of /proc/locks; 0 if there
// is none.
func holderIn(table, file string) int {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || f[5] != file {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil {
			return pid
		}
	}
	return 0
}

// program is the name a process was started by; /proc/PID/comm alone is cut at 15 bytes and may be
// a thread's name.
func program(pid int) string {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
		if name, _, _ := strings.Cut(string(line), "\x00"); name != "" {
			return filepath.Base(name)
		}
	}
	name, err := os.ReadFile(filepath.Join(dir, "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

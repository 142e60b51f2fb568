package session

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// self is the mark of this process, less what differs from slot to slot.
var self = sync.OnceValue(func() mark {
	m := mark{PID: os.Getpid(), Boot: firstLine("/proc/sys/kernel/random/boot_id"),
		Start: startOf(0), PIDNS: namespace("pid")}
	m.Host, _ = os.Hostname() // without one an earlier boot proves nothing
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if m.Machine = firstLine(path); m.Machine != "" {
			break
		}
	}
	return m
})

// firstLine is the first line of a file, "" if it cannot be read.
func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	const longest = 64
	return strings.TrimSpace(line[:min(len(line), longest)])
}

// namespace is the inode of one of this process's namespaces, 0 where /proc does not tell.
func namespace(kind string) uint64 {
	link, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, kind+":["), "]"), 10,
		64)
	if err != nil {
		return 0
	}
	return n
}

// startOf is the start time of a process (0: this one) in ticks since boot, 0 if there is no such
// process or it has ended and only waits for its parent to take note.
func startOf(pid int) uint64 {
	name := "self"
	if pid != 0 {
		name = strconv.Itoa(pid)
	}
	text, err := os.ReadFile("/proc/" + name + "/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses, and may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const state, start = 0, 22 - 3
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return 0
	}
	n, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// initialTimeNamespace is the inode that Linux gives the time namespace of the boot.
const initialTimeNamespace = 0xeffffffa

// sinceBoot is CLOCK_BOOTTIME, which also counts sleep. In a time namespace it is another clock
// than that of the others.
func sinceBoot() (now time.Duration, shared bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Since(loaded), false
	}
	ns := timeNamespace()
	return time.Duration(ts.Nano()), ns == 0 || ns == initialTimeNamespace
}

var timeNamespace = sync.OnceValue(func() uint64 { return namespace("time") })

//go:build linux

package bench

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what figures depend on.
type machine struct {
	Cores      int       `json:"cores"`
	Model      string    `json:"model"`
	Kernel     string    `json:"kernel"`
	Filesystem string    `json:"filesystem"`
	Go         string    `json:"go"`
	Version    string    `json:"version"`
	Time       time.Time `json:"time"`
}

func lookAtMachine(dir, program string) (machine, error) {
	m := machine{Cores: runtime.NumCPU(), Model: runtime.GOARCH,
		Time: time.Now().UTC().Truncate(time.Second)}
	built, err := buildinfo.ReadFile(program)
	if err != nil {
		return m, err
	}
	m.Go, m.Version = built.GoVersion, built.Main.Version
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, err
	}
	// Not every architecture has a line for it.
	if model := procField(string(cpus), "model name"); model != "" {
		m.Model = model
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return m, err
	}
	m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return m, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	m.Filesystem = filesystemOf(string(mounts), dir)
	return m, err
}

// procField is the value of the first line `name : value` of a file in /proc.
func procField(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// filesystemOf is the type of the filesystem that a path without links lies on, by the lines of
// proc_pid_mountinfo(5). A line reads, for example,
//
//	36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw
func filesystemOf(mounts, path string) string {
	kind, deepest := "unknown", ""
	for line := range strings.Lines(mounts) {
		mount, source, found := strings.Cut(line, " - ")
		fields, rest := strings.Fields(mount), strings.Fields(source)
		if !found || len(fields) < 5 || len(rest) == 0 {
			continue
		}
		point := strings.ReplaceAll(fields[4], `\040`, " ")
		inside := path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
		// Of two mounts in one place the later one is on top.
		if inside && len(point) >= len(deepest) {
			kind, deepest = rest[0], point
		}
	}
	return kind
}

// process is a server as /proc shows it.
type process struct {
	cpu                  time.Duration // used so far, by all threads
	rss                  int64         // bytes
	threads, descriptors int
	watching             bool // it has an inotify queue
}

func lookAtProcess(pid int) (process, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	var p process
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return p, err
	}
	kilobytes, err := strconv.ParseInt(strings.TrimSuffix(procField(string(status), "VmRSS"),
		" kB"), 10, 64)
	if err != nil {
		return p, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	p.rss = kilobytes << 10
	if p.cpu, p.threads, err = timeUsed(pid); err != nil {
		return p, err
	}
	descriptors, err := os.ReadDir(filepath.Join(dir, "fd"))
	p.descriptors = len(descriptors)
	for _, d := range descriptors {
		// One that is closed meanwhile is none.
		target, _ := os.Readlink(filepath.Join(dir, "fd", d.Name()))
		p.watching = p.watching || strings.Contains(target, "inotify")
	}
	return p, err
}

// timeUsed is the processor time that a process has used so far, and the number of its threads now.
func timeUsed(pid int) (used time.Duration, threads int, err error) {
	names, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "schedstat"))
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // a thread that ended
		}
		if err != nil {
			return 0, 0, err
		}
		first, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("time used by process %d: %w", pid, err)
		}
		used += time.Duration(nanoseconds)
	}
	return used, len(names), nil
}

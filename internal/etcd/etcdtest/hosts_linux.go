//go:build etcd

package etcdtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is some hosts on one switch. Each host is a set of namespaces: network, processes, names,
// mounts. They are gone, with every process in them, when the test process is, whatever end it has:
// the first process of each reads its standard input to the end.
type Network struct {
	t       testing.TB
	Hosts   []*Host
	outside *namespaces // the switch, with an address of its own, for the test's clients
}

// Host is a machine as far as its processes can tell, on the same disk as all others.
type Host struct {
	Name, IP string
	Dir      string // its own folder, as its processes see it: the same path on all hosts
	Real     string // the same folder as the test sees it

	*namespaces
	port string // on the switch
}

// namespaces are those of a process that does nothing else.
type namespaces struct {
	t     testing.TB
	cmd   *exec.Cmd
	kinds []string
}

// subnet is what all hosts share. It exists inside of namespaces only.
const (
	subnet   = "10.77.0."
	switchIP = subnet + "254"
)

// NewNetwork makes hosts h1, h2 and so on. The test is skipped where it may not.
func NewNetwork(t testing.TB, hosts int) *Network {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Skip("hosts are network namespaces, which takes root and the command ip")
	}
	n := &Network{t: t}
	n.outside = enter(t, syscall.CLONE_NEWNET, `ip link set lo up &&
		ip link add br0 type bridge && ip addr add `+switchIP+`/24 dev br0 && ip link set br0 up`)
	here := t.TempDir()
	for i := 1; i <= hosts; i++ {
		h := &Host{Name: fmt.Sprint("h", i), IP: fmt.Sprint(subnet, i), port: fmt.Sprint("p", i),
			Dir: here, Real: t.TempDir()}
		h.namespaces = enter(t,
			syscall.CLONE_NEWNET|syscall.CLONE_NEWPID|syscall.CLONE_NEWUTS|syscall.CLONE_NEWNS,
			fmt.Sprintf(`mount --make-rprivate / && mount -t proc proc /proc &&
				echo %s >/proc/sys/kernel/hostname && mount --bind %q %q && ip link set lo up`,
				h.Name, h.Real, here))
		n.outside.must("ip", "link", "add", h.port, "type", "veth",
			"peer", "name", "eth0", "netns", fmt.Sprint(h.cmd.Process.Pid))
		n.outside.must("ip", "link", "set", h.port, "master", "br0", "up")
		h.must("ip", "addr", "add", h.IP+"/24", "dev", "eth0")
		h.must("ip", "link", "set", "eth0", "up")
		n.Hosts = append(n.Hosts, h)
	}
	return n
}

// enter makes namespaces and runs a script in them first.
func enter(t testing.TB, flags uintptr, script string) *namespaces {
	t.Helper()
	cmd := exec.Command("sh", "-c", "{ "+script+"; } && echo ready && exec cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	switch err := cmd.Start(); {
	case errors.Is(err, syscall.EPERM):
		t.Skip("namespaces are not permitted:", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Process.Kill() // an error says that it is gone
		_ = cmd.Wait()         // killed
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("prepare namespaces: %q, %v", line, err)
	}
	n := &namespaces{t: t, cmd: cmd, kinds: []string{"net"}}
	if flags&syscall.CLONE_NEWPID != 0 {
		n.kinds = append(n.kinds, "uts", "pid", "mnt")
	}
	return n
}

// do calls f on a thread of the namespaces. What f starts is there as well.
func (n *namespaces) do(f func() error) error {
	done := make(chan error)
	go func() {
		// The thread is never unlocked, and so ends with the goroutine.
		runtime.LockOSThread()
		done <- errors.Join(n.join(), f())
	}()
	return <-done
}

func (n *namespaces) join() error {
	// A thread that shares its working folder with others cannot have mounts of its own.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	// Once the mounts are those of the host, /proc is its own, which knows no outside pid.
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close() // read only
		}
	}()
	for _, kind := range n.kinds {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", n.cmd.Process.Pid, kind))
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	for _, f := range files {
		if err := unix.Setns(int(f.Fd()), 0); err != nil {
			return fmt.Errorf("enter %s: %w", f.Name(), err)
		}
	}
	return nil
}

// Start starts a command in the namespaces. Its process is one of ours like any other, to be
// signalled and waited for.
func (n *namespaces) Start(cmd *exec.Cmd) error { return n.do(cmd.Start) }

// startFirst is Start for a process that comes first where there is not enough for all.
func (n *namespaces) startFirst(cmd *exec.Cmd) error {
	return n.do(func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		return unix.Setpriority(unix.PRIO_PROCESS, cmd.Process.Pid, -10)
	})
}

// Dial connects from there.
func (n *namespaces) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.do(func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens there.
func (n *namespaces) Listen(network, address string) (l net.Listener, err error) {
	err = n.do(func() error {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// must runs a command that does not fail.
func (n *namespaces) must(name string, args ...string) {
	n.t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := n.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", slices.Concat([]string{name}, args), err, out.String())
	}
}

// Mute drops what this host sends, silently: nobody hears it any more, while it hears all.
func (h *Host) Mute() { h.t.Helper(); h.mute("add") }

// Unmute ends Mute.
func (h *Host) Unmute() { h.t.Helper(); h.mute("del") }

func (h *Host) mute(verb string) {
	h.t.Helper()
	for _, half := range []string{"0/25", "128/25"} { // closer than the route to the network
		h.must("ip", "route", verb, "blackhole", subnet+half)
	}
}

// Cut takes a host off the switch: packets are lost both ways, silently, and its link stays up.
func (n *Network) Cut(h *Host) {
	n.t.Helper()
	n.outside.must("ip", "link", "set", h.port, "nomaster")
}

// Join ends Cut.
func (n *Network) Join(h *Host) {
	n.t.Helper()
	n.outside.must("ip", "link", "set", h.port, "master", "br0")
}

// Cluster starts an etcd with one member on each of these hosts, as Start does. Hosts share the
// processors of this machine: the members come first, as if they had some of their own.
func (n *Network) Cluster(hosts []*Host, flags ...string) *Cluster {
	n.t.Helper()
	places := make([]place, len(hosts))
	for i, h := range hosts {
		places[i] = place{ip: h.IP, ports: [3]int{2379, 2380, 2381}, start: h.startFirst}
	}
	return start(n.t, places, way{switchIP, n.outside.Dial, n.outside.Listen}, flags)
}

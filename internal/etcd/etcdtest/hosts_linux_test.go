//go:build etcd

package etcdtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// output is what a command writes on a host.
func output(t *testing.T, h *Host, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := h.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s on %s: %v", cmd, h.Name, err)
	}
	return strings.TrimSpace(out.String())
}

// A host has names, processes and files of its own, and an address that others reach until it is
// cut off.
func TestHosts(t *testing.T) {
	n := NewNetwork(t, 2)
	a, b := n.Hosts[0], n.Hosts[1]
	for _, h := range n.Hosts {
		if name := output(t, h, "uname", "-n"); name != h.Name {
			t.Errorf("%s calls itself %q", h.Name, name)
		}
		pids := strings.Fields(output(t, h, "sh", "-c", "cd /proc && echo [0-9]*"))
		if len(pids) != 2 {
			t.Errorf("%s sees the processes %v", h.Name, pids)
		}
		output(t, h, "sh", "-c", "uname -n >"+filepath.Join(h.Dir, "name"))
		if got, err := os.ReadFile(filepath.Join(h.Real, "name")); string(got) != h.Name+"\n" {
			t.Errorf("the file of %s holds %q: %v", h.Name, got, err)
		}
	}
	reaches := func(from, to *Host) bool {
		t.Helper()
		listener, err := to.Listen("tcp", to.IP+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, err := from.Dial(ctx, "tcp", listener.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	if !reaches(a, b) {
		t.Fatal("no way from a host to the other")
	}
	a.Mute()
	if reaches(b, a) {
		t.Error("a mute host answers")
	}
	a.Unmute()
	n.Cut(a)
	if reaches(a, b) {
		t.Error("a host that is cut off reaches another")
	}
	n.Join(a)
	if !reaches(a, b) {
		t.Error("no way from a host to the other after a cut")
	}
}

// The members on two hosts go on without the third, which serves again after the cut.
func TestCutOffHost(t *testing.T) {
	n := NewNetwork(t, 3)
	c := n.Cluster(n.Hosts)
	leader := c.Leader()
	var host *Host
	for i, m := range c.Members {
		if m == leader {
			host = n.Hosts[i]
		}
	}
	n.Cut(host)
	began := time.Now()
	client := c.Client()
	for put(t, client, "a", "1") != nil { // until there is a new leader
		if time.Since(began) > Soon {
			t.Fatal("two of three members do not serve")
		}
	}
	n.Join(host)
	alone := c.Client(leader.Endpoint)
	holds(t, alone, "a", "1")
}

// One-way: nobody hears the leader, which hears all. Another leads soon.
func TestMuteLeader(t *testing.T) {
	n := NewNetwork(t, 3)
	c := n.Cluster(n.Hosts)
	leader := c.Leader()
	id := memberID(t, c, leader)
	for i, m := range c.Members {
		if m == leader {
			n.Hosts[i].Mute()
			defer n.Hosts[i].Unmute()
		}
	}
	late := time.Now().Add(Soon)
	for {
		s, err := c.status(others(c.Members, leader)[0])
		if err == nil && s.Leader != 0 && s.Leader != id {
			break
		}
		if time.Now().After(late) {
			t.Fatal("nobody else leads")
		}
		time.Sleep(20 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Soon)
	defer cancel()
	if _, err := c.Client(others(c.Endpoints(), leader.Endpoint)...).Put(ctx, "a", "1"); err != nil {
		t.Fatal(err)
	}
}

func others[T comparable](all []T, one T) (out []T) {
	for _, x := range all {
		if x != one {
			out = append(out, x)
		}
	}
	return out
}

func memberID(t *testing.T, c *Cluster, m *Member) uint64 {
	t.Helper()
	s, err := c.status(m)
	if err != nil {
		t.Fatal(err)
	}
	return s.Header.MemberId
}

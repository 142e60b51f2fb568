//go:build etcd

// Package etcdtest runs a real etcd for tests: one member or several, as processes that a test may
// stop, kill, pause and start again, with proxies in front of them that delay, cut and lose
// answers. What it starts ends with the test. It is imported by tests only.
package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// Soon bounds what has to come within a second or two, as a start or an election: a loaded machine
// may need longer.
const Soon = 2 * time.Minute

// Cluster is a running etcd.
type Cluster struct {
	t       testing.TB
	Members []*Member
	way     way
}

// way is how a test reaches the members, and is reached.
type way struct {
	ip     string // of the test
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	listen func(network, address string) (net.Listener, error)
}

// Start starts an etcd of so many members on this machine, and returns when all serve. Flags are
// etcd's own and come after ours, so that they win. The members do not flush to disk: they survive
// kills, but no power loss. For measurements, say --unsafe-no-fsync=false.
func Start(t testing.TB, members int, flags ...string) *Cluster {
	t.Helper()
	ports, err := freePorts(3 * members)
	if err != nil {
		t.Fatal(err)
	}
	places := make([]place, members)
	for i := range places {
		places[i] = place{ip: "127.0.0.1", ports: [3]int(ports[3*i:]), start: (*exec.Cmd).Start}
	}
	loopback := way{"127.0.0.1", new(net.Dialer).DialContext, net.Listen}
	return start(t, places, loopback, flags)
}

// place is where a member runs.
type place struct {
	ip    string
	ports [3]int // for clients, for members, for its health
	start func(*exec.Cmd) error
}

func (p place) url(n int) string { return fmt.Sprintf("http://%s:%d", p.ip, p.ports[n]) }

func start(t testing.TB, places []place, to way, flags []string) *Cluster {
	t.Helper()
	path := program(t, "etcd-member", member)
	c := &Cluster{t: t, way: to}
	health := &http.Client{Timeout: time.Second, Transport: &http.Transport{DialContext: to.dial}}
	t.Cleanup(health.CloseIdleConnections)
	var peers []string
	for i, p := range places {
		peers = append(peers, fmt.Sprintf("m%d=%s", i, p.url(1)))
	}
	dir := t.TempDir()
	token := fmt.Sprint(rand.Uint64()) // no member of another test's cluster is taken for ours
	for i, p := range places {
		m := &Member{t: t, Name: fmt.Sprintf("m%d", i), Endpoint: p.url(0),
			Dir:     filepath.Join(dir, fmt.Sprintf("m%d", i)),
			program: path, start: p.start, client: health, health: p.url(2)}
		m.flags = append([]string{
			"--name", m.Name, "--data-dir", m.Dir, "--logger", "zap", "--log-level", "warn",
			"--listen-client-urls", p.url(0), "--advertise-client-urls", p.url(0),
			"--listen-peer-urls", p.url(1), "--initial-advertise-peer-urls", p.url(1),
			"--listen-metrics-urls", p.url(2),
			"--initial-cluster", strings.Join(peers, ","), "--initial-cluster-token", token,
			// Members that share two cores with their clients are late at times.
			"--heartbeat-interval", "150", "--election-timeout", "1500", "--unsafe-no-fsync",
		}, flags...)
		c.Members = append(c.Members, m)
		m.launch()
	}
	for _, m := range c.Members {
		m.await()
	}
	return c
}

// freePorts are TCP ports of the loopback that nobody listens on. They lie below those that the
// system gives to clients, so that a member which is down for a while finds its own again.
func freePorts(n int) (ports []int, err error) {
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // all at the end: no port twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports from 10000 to 30000")
}

// Endpoints are the addresses of all members for clients.
func (c *Cluster) Endpoints() (urls []string) {
	for _, m := range c.Members {
		urls = append(urls, m.Endpoint)
	}
	return urls
}

// Client is a client of these endpoints, of all members if none is named, which is closed at the
// end of the test.
func (c *Cluster) Client(endpoints ...string) *clientv3.Client {
	c.t.Helper()
	if len(endpoints) == 0 {
		endpoints = c.Endpoints()
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: Soon,
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(
			func(ctx context.Context, address string) (net.Conn, error) {
				return c.way.dial(ctx, "tcp", address)
			})}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = client.Close() }) // the cluster may be gone
	return client
}

// Leader is the member that leads. It waits for one.
func (c *Cluster) Leader() *Member {
	c.t.Helper()
	late := time.Now().Add(Soon)
	for {
		for _, m := range c.Members {
			if s, err := c.status(m); err == nil && s.Leader != 0 && s.Leader == s.Header.MemberId {
				return m
			}
		}
		if time.Now().After(late) {
			c.t.Fatalf("no leader after %s", Soon)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *Cluster) status(m *Member) (*clientv3.StatusResponse, error) {
	if !m.Runs() {
		return nil, errors.New("stopped, killed or paused")
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
	defer cancel()
	if m.status == nil {
		m.status = c.Client(m.Endpoint)
	}
	return m.status.Status(ctx, m.Endpoint)
}

// MoveLeader has another of the members that run lead, and returns it.
func (c *Cluster) MoveLeader() *Member {
	c.t.Helper()
	late := time.Now().Add(Soon)
	for {
		to, err := c.moveLeader(c.Leader())
		if err == nil {
			return to
		}
		if time.Now().After(late) {
			c.t.Fatalf("the leader cannot be moved: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *Cluster) moveLeader(from *Member) (to *Member, failed error) {
	for _, to := range c.Members {
		if to == from {
			continue
		}
		s, err := c.status(to)
		if err == nil {
			ctx, cancel := context.WithTimeout(c.t.Context(), Soon)
			_, err = from.status.MoveLeader(ctx, s.Header.MemberId)
			cancel()
		}
		if err == nil {
			return to, nil
		}
		failed = errors.Join(failed, fmt.Errorf("from %s to %s: %w", from.Name, to.Name, err))
	}
	return nil, failed
}

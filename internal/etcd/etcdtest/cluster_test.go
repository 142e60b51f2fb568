//go:build etcd

package etcdtest

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func put(t *testing.T, c *clientv3.Client, key, value string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Soon)
	defer cancel()
	_, err := c.Txn(ctx).Then(clientv3.OpPut(key, value)).Commit()
	return err
}

func holds(t *testing.T, c *clientv3.Client, key, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Soon)
	defer cancel()
	got, err := c.Get(ctx, key)
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != want {
		t.Fatalf("%s holds %v instead of %q: %v", key, got, want, err)
	}
}

// What was put stays through the death of the leader, a move and a stop of all members.
func TestMembers(t *testing.T) {
	c := Start(t, 3)
	client := c.Client()
	if err := put(t, client, "a", "1"); err != nil {
		t.Fatal(err)
	}
	first := c.Leader()
	first.Kill()
	if c.Leader() == first {
		t.Fatal("the dead lead")
	}
	holds(t, client, "a", "1")
	first.Start()
	if to := c.MoveLeader(); c.Leader() != to {
		t.Fatal("the leader did not move")
	}
	for _, m := range c.Members {
		m.Stop()
	}
	for _, m := range c.Members {
		m.launch()
	}
	holds(t, client, "a", "1")
}

// A paused leader loses its place, and a paused member alone holds nobody up.
func TestPause(t *testing.T) {
	c := Start(t, 3)
	leader := c.Leader()
	leader.Pause()
	if c.Leader() == leader {
		t.Fatal("the paused member leads")
	}
	leader.Continue()
	client := c.Client(leader.Endpoint)
	if err := put(t, client, "a", "1"); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "a", "1")
}

func TestProxy(t *testing.T) {
	c := Start(t, 1)
	p := c.Proxy(c.Members[0])
	straight, through := c.Client(), c.Client(p.Endpoint)
	if err := put(t, through, "a", "1"); err != nil {
		t.Fatal(err)
	}
	holds(t, straight, "a", "1")

	t.Run("the answer is lost after it is done", func(t *testing.T) {
		p.Lose(1)
		if err := put(t, through, "a", "2"); err == nil || p.Lost() != 1 {
			t.Fatalf("answered: %v, lost %d", err, p.Lost())
		}
		holds(t, straight, "a", "2")
		holds(t, through, "a", "2") // after it connected again
	})
	t.Run("delay", func(t *testing.T) {
		const delay = 50 * time.Millisecond
		p.Delay(delay)
		defer p.Heal()
		began := time.Now()
		holds(t, through, "a", "2")
		if took := time.Since(began); took < 2*delay {
			t.Fatalf("a delay of %s each way took %s", delay, took)
		}
	})
	t.Run("silence and cut", func(t *testing.T) {
		for name, end := range map[string]func(){"silence": p.Silence, "cut": p.Cut} {
			end()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := through.Get(ctx, "a")
			cancel()
			if err == nil {
				t.Errorf("an answer came through a %s", name)
			}
			p.Heal()
			holds(t, through, "a", "2")
		}
	})
}

//go:build etcd

package etcd

import (
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// TestRole: a user with a role on the prefix of one board can do all there is to do on it, and
// nothing on another one.
func TestRole(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	other := keysOf(DefaultPrefix, "other")
	w.put(other.meta(), meta{Format: format, State: stateOpen, Epoch: 1}.encode())
	ctx := t.Context()
	_, err := w.raw.RoleAdd(ctx, "board")
	must(t, err)
	_, err = w.raw.RoleGrantPermission(ctx, "board", w.prefix, clientv3.GetPrefixRangeEnd(w.prefix),
		clientv3.PermissionType(clientv3.PermReadWrite))
	must(t, err)
	for user, role := range map[string]string{"root": "root", "ada": "board"} {
		_, err = w.raw.UserAdd(ctx, user, "secret-"+user)
		must(t, err)
		_, err = w.raw.UserGrantRole(ctx, user, role)
		must(t, err)
	}
	_, err = w.raw.AuthEnable(ctx)
	must(t, err)
	open := func(id string) (*Board, error) {
		return Open(ctx, Config{ID: id, Prefix: DefaultPrefix, Now: time.Now,
			Access: Access{Endpoints: w.cluster.Endpoints(), User: "ada", Password: "secret-ada"}})
	}
	b, err := open("b")
	must(t, err)
	b.Shown = Shown{Revision: func() (int64, error) { return 1 << 40, nil }}
	serves(t, b, "me")
	must(t, b.Change(ctx, set("a", true, "status", "in_progress", "claimed-by", claimBy("me"))))
	must(t, b.Change(ctx, change("a", false, note("n"))))
	if h := b.Marks().Probe(session.Key("me")); h.Life != session.Alive {
		t.Errorf("%+v", h)
	}
	must(t, b.Marks().Leave())
	must(t, b.Close())
	_, err = open("other")
	wantCode(t, err, ticketfs.Unreachable)
	if err == nil || !strings.Contains(err.Error(), "permit") {
		t.Error(err)
	}
}

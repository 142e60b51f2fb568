//go:build etcd

package main

import (
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
)

// TestSharedScripts runs what needs a cluster. All scripts have the same one, with a board each.
func TestSharedScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	endpoints := strings.Join(etcdtest.Start(t, 1).Endpoints(), ",")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/etcd",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ETCDCTL_ENDPOINTS", endpoints)
			env.Values[scriptKey{}] = &scriptState{locks: make(map[string]*flock.Flock)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "exits": exits, "mask": mask,
		},
	})
}

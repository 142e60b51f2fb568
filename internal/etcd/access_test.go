//go:build etcd

package etcd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

func TestAccess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "etcd.env")
	kept := "# mine\nexport ETCDCTL_ENDPOINTS=https://a:2379, https://b:2379\n\n" +
		"ETCDCTL_USER=\"ada:secret\"\nETCDCTL_CACERT=/ca\n"
	if err := os.WriteFile(file, []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	both := []string{"https://a:2379", "https://b:2379"}
	for name, tt := range map[string]struct {
		env  map[string]string
		file string
		want Access
	}{
		"file": {file: file,
			want: Access{Endpoints: both, CACert: "/ca", User: "ada", Password: "secret"}},
		"environment first": {env: map[string]string{"ETCDCTL_ENDPOINTS": "c:1", "ETCDCTL_USER": "eve",
			"ETCDCTL_PASSWORD": "other"}, file: file,
			want: Access{Endpoints: []string{"c:1"}, CACert: "/ca", User: "eve", Password: "other"}},
		"no file": {env: map[string]string{"ETCDCTL_ENDPOINTS": "c:1,", "ETCDCTL_CERT": "/c",
			"ETCDCTL_KEY": "/k"}, file: file + "x",
			want: Access{Endpoints: []string{"c:1"}, Cert: "/c", Key: "/k"}},
	} {
		got, err := AccessFrom(func(v string) string { return tt.env[v] }, tt.file)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestAccessRefused(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"others may read": {"ETCDCTL_ENDPOINTS=a:1\n", 0o640, "0600"},
		"unknown":         {"ETCD_NAME=a\n", 0o600, "etcd.env:1"},
		"no name":         {"ETCDCTL_CACERT=a\nsecret\n", 0o600, "etcd.env:2"},
		"no endpoints":    {"ETCDCTL_CACERT=a\n", 0o600, "ETCDCTL_ENDPOINTS"},
	} {
		file := filepath.Join(dir, name, "etcd.env")
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := AccessFrom(func(string) string { return "" }, file)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOld(t *testing.T) {
	for version, want := range map[string]bool{
		"3.5.12": true, "3.5.13": false, "3.5.25": false, "3.4.30": true, "3.6.0": false,
		"3.7.3": false, "3.6.0-rc.1": false, "4.0.0": false, "2.3.8": true, "": true, "3.x": true,
		"3.5": true, "3.6": false,
	} {
		if got := old(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

// TestNoEndpoints: an answer that is old for want of endpoints says all that is to be done.
func TestNoEndpoints(t *testing.T) {
	_, err := FindAccess(func(name string) string {
		return map[string]string{"HOME": t.TempDir()}[name]
	})
	old := &ticketfs.CutOff{Why: err}
	if next := old.Next(); !strings.HasPrefix(next, "set ETCDCTL_ENDPOINTS, or write it into ") ||
		!strings.HasSuffix(next, "; then restart the server") {
		t.Errorf("%v: %q", err, next)
	}
}

//go:build etcd

package etcd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Access is how a cluster is reached. The names are those of etcd's own client.
type Access struct {
	Endpoints         []string
	CACert, Cert, Key string // files
	User, Password    string
}

// variables are where Access comes from. ETCD_* are the server's own.
var variables = []string{"ETCDCTL_ENDPOINTS", "ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY",
	"ETCDCTL_USER", "ETCDCTL_PASSWORD"}

// AccessFile is where a user may keep the variables instead, a NAME=value a line.
func AccessFile() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "ticket-mcp", "etcd.env"), err
}

// AccessFrom reads the variables from the environment; those that it does not set come from the
// file at path, which nobody else may read. There need be no file.
func AccessFrom(getenv func(string) string, path string) (Access, error) {
	kept, err := readAccess(path)
	if err != nil {
		return Access{}, err
	}
	value := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return kept[name]
	}
	a := Access{CACert: value("ETCDCTL_CACERT"), Cert: value("ETCDCTL_CERT"),
		Key: value("ETCDCTL_KEY"), User: value("ETCDCTL_USER"), Password: value("ETCDCTL_PASSWORD")}
	for _, e := range strings.Split(value("ETCDCTL_ENDPOINTS"), ",") {
		if e = strings.TrimSpace(e); e != "" {
			a.Endpoints = append(a.Endpoints, e)
		}
	}
	if len(a.Endpoints) == 0 {
		return Access{}, &noEndpointsError{path}
	}
	if name, password, both := strings.Cut(a.User, ":"); both && a.Password == "" {
		a.User, a.Password = name, password
	}
	return a, nil
}

// noEndpointsError is that nobody said where the cluster is, nor does the file at path.
type noEndpointsError struct{ path string }

const noEndpoints = "no endpoints of the cluster are known"

func (e *noEndpointsError) Error() string { return noEndpoints + ": " + e.next() }

func (e *noEndpointsError) next() string {
	return "set ETCDCTL_ENDPOINTS, or write it into " + e.path
}

func readAccess(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read access: %w", err)
	}
	if !info.Mode().IsRegular() || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s holds secrets and has mode %s: make it a plain file of mode 0600",
			path, info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read access: %w", err)
	}
	values := make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !found || !slices.Contains(variables, name) {
			return nil, fmt.Errorf("%s:%d: not one of %s", path, n, strings.Join(variables, ", "))
		}
		values[name] = strings.Trim(value, `"'`)
	}
	return values, nil
}

// dial makes a client. It does not wait for a connection, but where a user is named for the answer
// to that.
func (a Access) dial() (*clientv3.Client, error) {
	c := clientv3.Config{
		Endpoints: a.Endpoints, Username: a.User, Password: a.Password,
		DialTimeout: 5 * time.Second,
		// Without these a watch on a connection that was cut off would be silent for ever.
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
		Logger: zap.NewNop(),
	}
	secure := slices.ContainsFunc(a.Endpoints, func(e string) bool {
		return strings.HasPrefix(e, "https://") || strings.HasPrefix(e, "unixs://")
	})
	if secure || a.CACert != "" || a.Cert != "" {
		info := transport.TLSInfo{CertFile: a.Cert, KeyFile: a.Key, TrustedCAFile: a.CACert}
		tls, err := info.ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("read certificates: %w", err)
		}
		c.TLS = tls
	}
	return clientv3.New(c)
}

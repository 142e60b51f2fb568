// Command etcd-member is an etcd server for tests, built from the released module. It takes the
// flags of etcd, and ends when its standard input does, so that no member outlives its test,
// whatever end that has.
package main

import (
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // an error is an end as well
		os.Exit(0)
	}()
	etcdmain.Main(os.Args)
}

package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// TestServeHTTP is no test but a harness: the official conformance suite speaks HTTP only, so
// packaging/conformance/run lets this serve the same server over it, on the loopback address in
// TICKET_MCP_TEST_HTTP, until it is killed. The program itself has no HTTP.
func TestServeHTTP(t *testing.T) {
	address := os.Getenv("TICKET_MCP_TEST_HTTP")
	if address == "" {
		t.Skip("serves only for packaging/conformance/run")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Fatalf("%s is not a loopback address", address)
	}
	o := options{lockTimeout: ticketfs.DefaultLockTimeout}
	o.where.Start = servertest.OpenTickets(t, "alpha", "beta")
	b, err := newBoard(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tools.NewServer(b, tools.Offer{Version: "conformance"}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	// The revision without a handshake has no sessions.
	stateless := os.Getenv("TICKET_MCP_TEST_HTTP_STATELESS") != ""
	mux := http.NewServeMux()
	mux.Handle("/mcp", server.NewStreamableHTTPServer(s, server.WithStateLess(stateless)))
	t.Fatal((&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(listener))
}

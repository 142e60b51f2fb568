package install

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// host is a program that starts MCP servers; on the command line it is called a client.
type host struct {
	name, title string
	files       []hostFile // the first is the default
}

// hostFile is one of a host's configuration files. docs/clients.md says what each is for;
// packaging/verify compares what is written here with what the hosts' own programs write and read.
type hostFile struct {
	scope   string
	path    func(paths) (string, error)
	servers string // the key below which servers stand; "" in TOML
	// as the host's own program writes it; ARGS and COMMAND stand for the arguments, without and
	// with the program
	entry    string
	comments bool // the host reads JSON with comments
	// what the host puts the project's folder in for; used where it starts servers somewhere else
	folder   string
	needsDir string // why the server cannot find a board by itself; "" where it can
	next     string // what the person does now
}

const (
	stdioEntry = `{"type":"stdio","command":"ticket-mcp","args":ARGS,"env":{}}` // Claude Code's
	plainEntry = `{"command":"ticket-mcp","args":ARGS}`
	zedEntry   = `{"command":"ticket-mcp","args":ARGS,"env":{}}`
	codeEntry  = `{"type":"stdio","command":"ticket-mcp","args":ARGS}`
	workspace  = "${workspaceFolder}"
)

var hosts = []host{
	{"claude", "Claude Code", []hostFile{
		{scope: "project", path: inProject(".mcp.json"), servers: "mcpServers", entry: stdioEntry,
			next: "start it in this project and approve the server once; `claude mcp list` shows it"},
		{scope: "local", path: claudeLocal, servers: "mcpServers", entry: stdioEntry,
			next: "`claude mcp list` shows the server"},
		{scope: "user", path: claudeUser, servers: "mcpServers", entry: stdioEntry,
			next: "`claude mcp list` shows the server"},
	}},
	{"codex", "Codex", []hostFile{
		{scope: "user", path: inHome("CODEX_HOME", ".codex", "config.toml"),
			next: "`codex mcp list` shows the server"},
		{scope: "project", path: inProject(".codex/config.toml"),
			next: "`codex mcp list` shows the server once Codex trusts this project"},
	}},
	{"gemini", "Gemini CLI", []hostFile{
		{scope: "project", path: inProject(".gemini/settings.json"), servers: "mcpServers",
			entry: plainEntry, comments: true,
			next: "start it in this folder and trust it; `gemini mcp list` shows the server"},
		{scope: "user", path: geminiUser, servers: "mcpServers", entry: plainEntry, comments: true,
			next: "`gemini mcp list` in a trusted folder shows the server"},
	}},
	{"cursor", "Cursor", []hostFile{
		{scope: "project", path: inProject(".cursor/mcp.json"), servers: "mcpServers",
			entry: plainEntry, comments: true, folder: workspace,
			next: "switch the server on in Settings, MCP"},
		{scope: "user", path: inHome("", ".cursor", "mcp.json"), servers: "mcpServers",
			entry: plainEntry, comments: true, folder: workspace,
			next: "Settings, MCP shows the server"},
	}},
	{"vscode", "VS Code", []hostFile{
		{scope: "project", path: inProject(".vscode/mcp.json"), servers: "servers",
			entry: codeEntry, comments: true, folder: workspace,
			next: "run the command MCP: List Servers, start the server and trust it"},
		{scope: "user", path: inConfig("Code/User/mcp.json"), servers: "servers", entry: codeEntry,
			comments: true,
			needsDir: "VS Code starts a user's servers outside the project, and does not know ${workspaceFolder} there",
			next:     "run the command MCP: List Servers, start the server and trust it"},
	}},
	{"zed", "Zed", []hostFile{
		{scope: "project", path: inProject(".zed/settings.json"), servers: "context_servers",
			entry: zedEntry, comments: true,
			next: "trust the project; a green dot in the agent panel's settings says that the server runs"},
		{scope: "user", path: zedUser, servers: "context_servers", entry: zedEntry, comments: true,
			next: "a green dot in the agent panel's settings says that the server runs"},
	}},
	{"windsurf", "Windsurf", []hostFile{
		{scope: "user", path: inHome("", ".codeium", "windsurf", "mcp_config.json"),
			servers: "mcpServers", entry: plainEntry,
			needsDir: "Windsurf has one list of servers for all projects and does not tell them which is open",
			next:     "press refresh in Cascade's list of MCP servers"},
	}},
	{"copilot", "Copilot CLI", []hostFile{
		{scope: "user", path: inHome("COPILOT_HOME", ".copilot", "mcp-config.json"),
			servers: "mcpServers", comments: true,
			entry: `{"tools":["*"],"type":"local","command":"ticket-mcp","args":ARGS}`, next: "`copilot mcp list` shows the server"},
		// The file is Claude Code's as well, so the entry is the one that both read.
		{scope: "project", path: inProject(".mcp.json"), servers: "mcpServers", entry: stdioEntry,
			next: "`copilot mcp list` shows the server once this folder is trusted"},
	}},
	{"opencode", "opencode", []hostFile{
		{scope: "project", path: openCode(inProject("opencode.jsonc"), inProject("opencode.json")),
			servers: "mcp", comments: true,
			entry: `{"type":"local","command":COMMAND,"enabled":true}`, next: "`opencode mcp list` shows the server"},
		{scope: "user", path: openCode(inXDG("opencode/opencode.jsonc"),
			inXDG("opencode/opencode.json")), servers: "mcp", comments: true,
			entry: `{"type":"local","command":COMMAND,"enabled":true}`, next: "`opencode mcp list` shows the server"},
	}},
	{"claude-desktop", "Claude Desktop", []hostFile{
		{scope: "user", path: inConfig("Claude/claude_desktop_config.json"), servers: "mcpServers",
			entry:    plainEntry,
			needsDir: "Claude Desktop opens no project", next: "restart it; Settings, Developer shows the server"},
	}},
}

// Clients are the names of the clients and the scopes of each, its default first.
func Clients() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, h := range hosts {
			if !yield(h.name, h.scopes()) {
				return
			}
		}
	}
}

func hostNamed(name string) (host, error) {
	var names []string
	for _, h := range hosts {
		if h.name == name {
			return h, nil
		}
		names = append(names, h.name)
	}
	if name == "" {
		return host{}, fmt.Errorf("which client? one of %s", strings.Join(names, ", "))
	}
	return host{}, fmt.Errorf("no client %q; there are %s; any other one: an stdio server, command ticket-mcp", name, strings.Join(names, ", "))
}

func (h host) scopes() []string {
	var scopes []string
	for _, f := range h.files {
		scopes = append(scopes, f.scope)
	}
	return scopes
}

// scoped is the file of a scope, "" for the default one.
func (h host) scoped(scope string) (hostFile, error) {
	for _, f := range h.files {
		if scope == "" || f.scope == scope {
			return f, nil
		}
	}
	return hostFile{}, fmt.Errorf("%s has no scope %q, but %s", h.title, scope,
		strings.Join(h.scopes(), ", "))
}

func (f hostFile) toml() bool { return f.servers == "" }

func (f hostFile) entryFor(args []string) string {
	return strings.NewReplacer(
		"ARGS", jsonOf(append([]string{}, args...)), // [] and not null
		"COMMAND", jsonOf(append([]string{"ticket-mcp"}, args...)),
	).Replace(f.entry)
}

// jsonOf is a string or strings as JSON. Both always have a JSON form.
func jsonOf(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// paths are the folders that configuration files are in.
type paths struct {
	project string // the git repository's root, or the working directory outside of one
	home    string
	config  string // where the system keeps a user's configuration
	xdg     string // ~/.config, also where the system keeps it elsewhere
}

func findPaths() (p paths, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return p, err
	}
	if p.project, err = filepath.EvalSymlinks(dir); err != nil {
		return p, err
	}
	for up := p.project; up != filepath.Dir(up); up = filepath.Dir(up) {
		if _, err := os.Lstat(filepath.Join(up, ".git")); err == nil {
			p.project = up
			break
		}
	}
	if p.home, err = os.UserHomeDir(); err != nil {
		return p, err
	}
	if p.config, err = os.UserConfigDir(); err != nil {
		return p, err
	}
	p.xdg = cmp.Or(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(p.home, ".config"))
	return p, nil
}

func inProject(file string) func(paths) (string, error) {
	return func(p paths) (string, error) {
		return filepath.Join(p.project, filepath.FromSlash(file)), nil
	}
}

func inConfig(file string) func(paths) (string, error) {
	return func(p paths) (string, error) {
		return filepath.Join(p.config, filepath.FromSlash(file)), nil
	}
}

func inXDG(file string) func(paths) (string, error) {
	return func(p paths) (string, error) { return filepath.Join(p.xdg, filepath.FromSlash(file)), nil }
}

// inHome is a file in the host's folder in the home folder, which a variable may move.
func inHome(variable, folder string, file ...string) func(paths) (string, error) {
	return func(p paths) (string, error) {
		moved := ""
		if variable != "" {
			moved = os.Getenv(variable)
		}
		return filepath.Join(cmp.Or(moved, filepath.Join(p.home, folder)),
			filepath.Join(file...)), nil
	}
}

// claudeUser stands beside ~/.claude, but in the folder that CLAUDE_CONFIG_DIR puts in its place.
func claudeUser(p paths) (string, error) {
	return filepath.Join(cmp.Or(os.Getenv("CLAUDE_CONFIG_DIR"), p.home), ".claude.json"), nil
}

// claudeLocal is the same file. It names projects by the main worktree's root, which only that one
// shows without git.
func claudeLocal(p paths) (string, error) {
	if info, err := os.Lstat(filepath.Join(p.project, ".git")); err == nil && !info.IsDir() {
		return "", errors.New("in a linked worktree or submodule the local scope is another folder's; run this in the main worktree, or use --scope user")
	}
	return claudeUser(p)
}

func geminiUser(p paths) (string, error) {
	return filepath.Join(cmp.Or(os.Getenv("GEMINI_CLI_HOME"), p.home), ".gemini",
		"settings.json"), nil
}

func zedUser(p paths) (string, error) {
	if runtime.GOOS == "windows" {
		return filepath.Join(p.config, "Zed", "settings.json"), nil
	}
	return filepath.Join(p.xdg, "zed", "settings.json"), nil
}

// openCode is the first file when it is there, else the second: opencode reads both.
func openCode(first, second func(paths) (string, error)) func(paths) (string, error) {
	return func(p paths) (string, error) {
		path, err := first(p)
		if err != nil {
			return "", err
		}
		if _, err := os.Lstat(path); err == nil {
			return path, nil
		}
		return second(p)
	}
}

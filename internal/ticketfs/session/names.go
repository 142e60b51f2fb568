package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
)

// SharedPrefix begins a name that several processes may hold at once: those of a framework that
// starts a process for each call, the panes of a terminal, the containers of one task.
const SharedPrefix = "shared:"

// Key is a conversation's key, as it stands in claims and names its slots.
func Key(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:12]
}

// hostNames are the places in a request's _meta where hosts name the conversation, the first to be
// asked first.
var hostNames = [][]string{
	{"x-codex-turn-metadata", "session_id"}, // Codex: an object, or its JSON text
	{"sessionID"},                           // opencode
	{"vscode", "conversationId"},            // VS Code, flat so far
	{"openai/session"},                      // ChatGPT
	{"ticket-mcp/session"},                  // whoever knows of us
}

// NameIn is the name that the host gives the conversation of a call in the request's _meta, "" if
// it gives none. Anything but a string of at most 256 bytes is no name.
func NameIn(meta map[string]any) string {
	for _, path := range hostNames {
		if name := nameAt(meta, path); name != "" {
			return name
		}
	}
	return ""
}

// nameAt looks for a name under its dotted path, then nested.
func nameAt(meta map[string]any, path []string) string {
	if name, ok := meta[strings.Join(path, ".")].(string); ok && isName(name) {
		return name
	}
	if len(path) == 1 {
		return ""
	}
	switch inner := meta[path[0]].(type) {
	case map[string]any:
		return nameAt(inner, path[1:])
	case string:
		var decoded map[string]any
		if json.Unmarshal([]byte(inner), &decoded) == nil {
			return nameAt(decoded, path[1:])
		}
	}
	return ""
}

// longestName is how long the name of a conversation may be, in bytes.
const longestName = 256

func isName(s string) bool { return len(s) <= longestName && strings.TrimSpace(s) != "" }

// SharedName is a name that several processes may hold at once; false where it would be too long to
// be heard.
func SharedName(name string) (string, bool) {
	shared := SharedPrefix + strings.TrimPrefix(name, SharedPrefix)
	return shared, isName(shared)
}

// NameFromEnv is the name that the environment gives the conversation of a server, "" if it gives
// none.
func NameFromEnv(getenv func(string) string) string {
	return firstName(getenv, "TICKET_MCP_SESSION", "CLAUDE_CODE_SESSION_ID")
}

// InShell tells by the environment whether a command runs in the shell of an agent, and which
// conversation that is: "" where the agent's program does not say.
func InShell(getenv func(string) string) (name string, agent bool) {
	name = firstName(getenv, "TICKET_MCP_SESSION", "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID")
	return name, name != "" || getenv("CLAUDECODE") != "" || getenv("GEMINI_CLI") != ""
}

func firstName(getenv func(string) string, variables ...string) string {
	for _, v := range variables {
		if name := getenv(v); isName(name) {
			return name
		}
	}
	return ""
}

// Claim is a holder as a ticket names it: name@key for an agent of a conversation, name@person for
// a person.
type Claim struct {
	Name string
	Key  string // "" for a person, and for whoever wrote something else
}

const person = "person"

var claimForm = regexp.MustCompile(`^(.*)@([0-9a-f]{12}|` + person + `)$`)

// ParseClaim reads the text of a claim; one of another form has no name and no key.
func ParseClaim(text string) Claim {
	m := claimForm.FindStringSubmatch(text)
	switch {
	case m == nil:
		return Claim{}
	case m[2] == person:
		return Claim{Name: m[1]}
	}
	return Claim{Name: m[1], Key: m[2]}
}

// Person reports whether the claim is a person's, who holds until they give back.
func (c Claim) Person() bool { return c.Key == "" && c.Name != "" }

func (c Claim) String() string {
	if c.Key == "" {
		return AgentName(c.Name) + "@" + person
	}
	return AgentName(c.Name) + "@" + c.Key
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// AgentName reduces a name to what can stand in a claim.
func AgentName(name string) string {
	const longest = 32
	name = strings.Trim(notInNames.ReplaceAllString(name, "-"), "-.")
	if len(name) > longest {
		name = name[:longest]
	}
	if name == "" {
		return "agent"
	}
	return name
}

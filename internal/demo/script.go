package demo

// agentNames are the agents. The first makes the plan.
var agentNames = []string{"planner", "builder", "tester", "writer"}

const (
	fatal    = "login" // whoever starts this task first is killed while it holds it
	lastNote = "half of it works, the rest is on my branch"

	open     = "provider" // whoever starts this task first does not know, and asks a person
	question = "for Grace: Stripe or Adyen? The fees differ for EU cards."
	person   = "Grace"
	reply    = "Adyen, for the fees"
)

// task is a ticket of the plan.
type task struct {
	name, title, kind string
	priority          int
	waits             []string // names of other tasks
	note              string   // by whoever works on it
	done              string   // why it is closed
}

var tasks = []task{
	{"keys", "Store public keys beside the users", "task", 1, nil, "one table, one row a key",
		"migration written, 12 tests pass"},
	{"provider", "Choose the payment provider", "task", 1, nil, "the contract is in the drive",
		"signed"},
	{"limit", "Limit attempts to log in", "bug", 1, nil, "five a minute for each address",
		"the test that failed passes"},
	{"login", "Log in with a passkey", "feature", 0, []string{"keys"},
		"works in Firefox, Safari is next", "works without a password"},
	{"lost", "Remove a lost device", "feature", 2, []string{"login"},
		"the last key cannot be removed", "can be undone for a day"},
	{"audit", "Say in the audit log which key was used", "task", 2, []string{"login"},
		"the id of the key, not the key", "reviewed, no secrets in it"},
	{"help", "Describe passkeys in the help", "task", 3, []string{"login"},
		"two pictures, one page", "read by two people"},
	{"refund", "Refund an order", "feature", 2, []string{"provider"}, "partial refunds come later",
		"tried with one euro"},
	{"tax", "Show the tax in the basket", "feature", 2, nil, "rounding is per line, not per basket",
		"three countries checked by hand"},
	{"retry", "Retry webhooks with back-off", "feature", 2, nil, "at most a day, then a mail",
		"a dead endpoint was tried"},
	{"go", "Update Go to the newest release", "chore", 3, nil, "the linter has a new opinion",
		"builds and tests are green"},
	{"images", "Serve images in the size they are shown in", "task", 3, []string{"go"},
		"the home page loses 2 MB", "measured before and after"},
	{"prices", "Keep the list of prices in memory", "task", 3, []string{"tax"},
		"one minute is fresh enough", "the query is gone from the slow log"},
	{"basket", "Remember the basket for a week", "feature", 3, nil, "a cookie, no account needed",
		"survives a restart of the browser"},
	{"old", "Remove the old checkout", "chore", 4, []string{"basket"},
		"nobody has used it since May", "400 lines fewer"},
	{"release", "Release 2.0", "task", 1, []string{"lost", "audit", "help", "refund", "limit"},
		"all green", "released"},
}

// taskNamed is a task of the plan.
func taskNamed(name string) task {
	for _, t := range tasks {
		if t.name == name {
			return t
		}
	}
	return task{}
}

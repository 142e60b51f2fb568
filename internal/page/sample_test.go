package page

import (
	"fmt"
	"time"
)

// sample is a small board with one of everything.
func sample(now time.Time) (*Board, func(string) (Text, error)) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	b := &Board{
		Name: "webshop", At: now,
		Tickets: []Ticket{
			{ID: "dc20hr", Title: "Retry webhooks with back-off", Type: "feature", Priority: 1,
				Column: Ready, Tags: []string{"api"}},
			{ID: "dc20j2", Title: "Update Go to 1.26", Type: "chore", Priority: 2, Column: Ready,
				Holder: &Holder{"builder", Dead, ago(8 * time.Minute)}},
			{ID: "dc20k3", Title: "Show the tax in the basket", Type: "feature", Priority: 2,
				Column: Ready, Assignee: "Ada"},
			{ID: "d5logi", Title: "Log in with a passkey", Type: "feature", Priority: 0,
				Column: InProgress, Tags: []string{"auth"}, Holder: &Holder{"planner", Alive,
					ago(18 * time.Minute)}},
			{ID: "d5chec", Title: "Checkout epic", Type: "epic", Priority: 1, Column: InProgress,
				Holder: &Holder{"Ada Lovelace", Person,
					ago(3 * time.Hour)}, Children: 9, ChildrenClosed: 5},
			{ID: "d5pool", Title: "Pool the connections to the database", Type: "task", Priority: 2,
				Column: InProgress, Holder: &Holder{"reviewer", Unknown, ago(26 * time.Hour)}},
			{ID: "d5audi", Title: "Audit the log-in", Type: "task", Priority: 2, Column: Waiting,
				Blockers: []string{"d5logi", "dc20j2",
					"dc20aa"}, Waits: []Wait{{ID: "d5logi", State: "in progress"}, {ID: "dc20j2",
					State: "open"}}},
			{ID: "dc21aa", Title: "Refund flow", Type: "feature", Priority: 2, Column: Waiting,
				Parent: "d5chec", Blockers: []string{"dc21k0"}, Waits: []Wait{{ID: "dc21k0",
					State: "open"}}},
			{ID: "dc2rel", Title: "Release 2.0 to everybody", Type: "task", Priority: 1,
				Column: Waiting, Blockers: []string{"d5audi", "dc21aa",
					"d5pool"}, Waits: []Wait{{ID: "d5audi", State: "open"}, {ID: "dc21aa",
					State: "open"}, {ID: "d5pool", State: "in progress"}}},
			{ID: "dc21k0", Title: "Payment provider", Type: "task", Priority: 1, Column: OnHold,
				Hold: "for Grace: Stripe or Adyen? Fees differ for EU cards."},
			{ID: "dc1zz9", Title: "Remove the old API", Type: "chore", Priority: 3, Column: OnHold,
				HoldUntil: now.Add(5 * 24 * time.Hour)},
			{ID: "dc20aa", Title: "Session cookie expires too early", Type: "bug", Priority: 1,
				Column: DoneToday, Closed: ago(72 * time.Minute), ClosedBy: "builder", CloseReason: "commit 1a2b3c, 214 tests pass"},
			{ID: "dc20ab", Title: "Describe the webhook format", Type: "task", Priority: 3,
				Column: DoneToday, Closed: ago(4 * time.Hour), ClosedBy: "planner"},
		},
		Changes: []Change{
			{At: ago(3 * time.Second), Who: "planner", What: "noted", ID: "d5logi",
				Title: "Log in with a passkey", Detail: "the library wants a newer Go"},
			{At: ago(79 * time.Second), Who: "planner", What: "filed", ID: "dc20j2",
				Title: "Update Go to 1.26"},
			{At: ago(72 * time.Minute), Who: "builder", What: "closed", ID: "dc20aa",
				Title: "Session cookie expires too early", Detail: "commit 1a2b3c, 214 tests pass"},
			{At: ago(3 * time.Hour), Who: "Ada Lovelace", IsPerson: true, What: "started",
				ID: "d5chec", Title: "Checkout epic"},
		},
	}
	return b.prepare(), func(id string) (Text, error) {
		switch id {
		case "d5logi":
			return Text{Body: "# Log in with a passkey\n\nPasswords are what people lose. Use the **WebAuthn** API; see [the guide](https://webauthn.guide).\n\n## Acceptance Criteria\n\n- [x] works without a password\n- [x] a lost device can be removed\n- [ ] audit log says which key\n\n```go\nfunc Begin(u User) (*Challenge, error)\n```\n\n| browser | works |\n|---|---|\n| Firefox | yes |\n| Safari | since 16 |\n\n## Notes\n\n- 2026-11-26T14:32:07Z planner: the library wants a newer Go\n",
				Boxes: 5, BoxesDone: 3, Notes: []string{"the library wants a newer Go"}}, nil
		case "dc20j2":
			return Text{Body: "# Update Go\n", Notes: []string{"tests green, docs open"}}, nil
		}
		return Text{Body: "# Title\n\nA body.\n"}, nil
	}
}

// crowd is a board of n tickets: layers of dependencies, and many that depend on nothing.
func crowd(n int, now time.Time) *Board {
	b := &Board{Name: "monorepo", At: now}
	for i := range n {
		t := Ticket{ID: fmt.Sprintf("t%05d", i),
			Title: fmt.Sprintf("Ticket number %d of many, with a title of usual length",
				i), Type: "task", Priority: i % 5, Created: now.Add(time.Duration(i-n) * time.Minute)}
		switch i % 10 {
		case 0:
			t.Column, t.Closed = Done, now.AddDate(0, 0, -3)
		case 1:
			if i%500 == 1 {
				t.Column, t.Holder = InProgress, &Holder{fmt.Sprintf("agent-%d", i/500), Alive,
					now.Add(-time.Duration(i) * time.Second)}
			}
		case 2, 3, 4, 5:
			for _, from := range []int{i - 1, i - 10, i - 13} {
				if from > 0 && from/50 == i/50 && from%10 != 0 {
					t.Blockers = append(t.Blockers, fmt.Sprintf("t%05d", from))
					t.Waits = append(t.Waits, Wait{ID: fmt.Sprintf("t%05d", from), State: "open"})
				}
			}
			if t.Blockers != nil {
				t.Column = Waiting
			}
		case 6:
			if i%50 == 6 {
				t.Column, t.Hold = OnHold, "for Grace: which one?"
			}
		}
		b.Tickets = append(b.Tickets, t)
	}
	return b.prepare()
}

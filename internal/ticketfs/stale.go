package ticketfs

import (
	"fmt"
	"time"
)

// CutOff says that an engine cannot bring its folder up to date. What only reads may be answered
// with what the folder shows, and when that was the board; nothing that leads to work may.
type CutOff struct {
	AsOf time.Time // when the folder last showed the whole board; zero where it never did
	Why  error
}

func (e *CutOff) Error() string { return fmt.Sprintf("the board cannot be reached: %v", e.Why) }

func (e *CutOff) Unwrap() error { return e.Why }

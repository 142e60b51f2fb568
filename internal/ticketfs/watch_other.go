//go:build !linux

package ticketfs

import (
	"context"
	"time"
)

// notices: only Linux has a queue that is filled before the change returns.
type notices struct{}

func newNotices(string) *notices { return nil }

func (*notices) watchSessions(string) {}

func (*notices) drain() notice { return noNotice }

func (*notices) wait(context.Context, time.Time) (notice, error) { return noNotice, nil }

func (*notices) close() error { return nil }

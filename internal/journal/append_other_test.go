//go:build !unix

package journal

import (
	"errors"
	"testing"
)

func mkfifo(string) error { return errors.ErrUnsupported }

func readFifo(testing.TB, string) error { return errors.ErrUnsupported }

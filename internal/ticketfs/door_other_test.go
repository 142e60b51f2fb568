//go:build !unix

package ticketfs

import "errors"

func makeFIFO(string) error { return errors.ErrUnsupported }

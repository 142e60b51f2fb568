//go:build !unix

package stdio

import "io"

// hungUp cannot be known here.
func hungUp(io.Reader) bool { return false }

//go:build !unix

package flocker

const openFlags = 0

package main

import (
	"bufio"
	"fmt"
	"io"
)

// output is standard output: buffered, and an error of any write is told at the end, so that a full
// disk is not taken for an answer.
type output struct {
	w   *bufio.Writer
	err error
}

func newOutput(w io.Writer) *output { return &output{w: bufio.NewWriter(w)} }

func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func (o *output) flush() error {
	if err := o.w.Flush(); o.err == nil {
		o.err = err
	}
	if o.err != nil {
		return fmt.Errorf("write standard output: %w", o.err)
	}
	return nil
}

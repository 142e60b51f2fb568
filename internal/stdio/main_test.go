package stdio_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	// What the parallel ones of these tests do is to wait. -parallel asks for another number.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

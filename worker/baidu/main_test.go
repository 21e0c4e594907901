package baidu_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets many uploads wait side by side: most of them only wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

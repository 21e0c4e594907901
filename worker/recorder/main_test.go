package recorder_test

import (
	"os"
	"testing"

	"github.com/ngworks/nglive/worker/recorder/recordertest"
)

// TestMain lets this binary be the recorder's program too.
func TestMain(m *testing.M) {
	recordertest.BeRecorder()
	os.Exit(m.Run())
}

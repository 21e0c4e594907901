package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ngworks/nglive/tasks"
)

// TestOutputName_isOfTheDayOnWhichItBegan: as the original named it, with the day as this machine's clock has it, also for one that
// ended on the next day and for one whose opening nobody told.
func TestOutputName_isOfTheDayOnWhichItBegan(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 11, 22, 23, 59, 59, 0, time.Local)
	elsewhere := time.FixedZone("", 14*3600)
	for name, r := range map[string]tasks.Recording{
		"told":             {OpenedAt: evening.In(elsewhere), ClosedAt: evening.Add(3 * time.Hour)},
		"read in the file": {BeganAt: evening.UTC(), ClosedAt: evening.Add(3 * time.Hour)},
		"only closed":      {ClosedAt: evening.UTC(), CreatedAt: evening.Add(3 * time.Hour)},
	} {
		r.Path, r.RoomID = `23058-3号直播间\录制-23058 a.b.flv`, 23058
		assert.Equal(t, "20261122/23058/录制-23058 a.b.mp4", outputName(&r, ""), name)
		r.RoomID = 0
		assert.Equal(t, "20261122/unknown/录制-23058 a.b-x.mp4", outputName(&r, "-x"), name)
	}
}

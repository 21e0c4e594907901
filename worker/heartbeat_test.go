package worker

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestHeartbeat_hasTheOriginalsKeysAndThisNodesOwnValues: the original had one UUID, one name and one disk written into its code, and
// swapped the counts of processors, which its listeners rely on.
func TestHeartbeat_hasTheOriginalsKeysAndThisNodesOwnValues(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	var beat struct {
		CMD, UUID, NODE string
		Name            string `json:"name"`
		CPU             map[string]float64
		Memory          map[string]float64
		Disk            map[string]float64
	}
	text, err := json.Marshal(w.heartbeat(t.Context(), &traffic{}))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &beat))
	assert.Equal(t, tasks.Heartbeat, beat.CMD)
	assert.Equal(t, []string{s.cfg.Install, s.cfg.Node}, []string{beat.UUID, beat.NODE})
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, host, beat.Name)
	logical, err := cpu.Counts(true)
	require.NoError(t, err)
	physical, err := cpu.Counts(false)
	require.NoError(t, err)
	assert.InDelta(t, logical, beat.CPU["cpu"], 0)
	assert.InDelta(t, physical, beat.CPU["cpu_logical"], 0)
	u, err := disk.Usage(s.cfg.RecordingsDir)
	require.NoError(t, err)
	assert.InDelta(t, float64(u.Total)/gib, beat.Disk["total"], 0.01)
	for key, of := range map[string]map[string]float64{"cpu": beat.CPU, "memory": beat.Memory, "disk": beat.Disk} {
		assert.Contains(t, of, "percent", key)
	}
	assert.Positive(t, beat.Memory["total"])
	assert.LessOrEqual(t, beat.Memory["used"], beat.Memory["total"])
	assert.Contains(t, beat.Disk, "free")
}

package recorder_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

func quickWaits() []time.Duration {
	return []time.Duration{0, 5 * time.Millisecond, 10 * time.Millisecond}
}

// clientOf gets into a double.
func clientOf(t *testing.T, d *recordertest.Double) *recorder.Client {
	t.Helper()
	return clientAt(t, recorder.Config{URL: d.URL, User: recordertest.User, Password: recordertest.Password})
}

func clientAt(t *testing.T, cfg recorder.Config) *recorder.Client {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	cfg.RefreshWaits = quickWaits()
	c, err := recorder.New(cfg)
	require.NoError(t, err)
	return c
}

// soon bounds a command as the room queue does.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(stop)
	return ctx
}

func TestAdd_namesARoomByItsShortId(t *testing.T) {
	t.Parallel()
	c := clientOf(t, recordertest.Start(t, recordertest.Quick(rehearsal.Config{})))
	got, err := c.Add(soon(t), 3, true)
	require.NoError(t, err)
	assert.True(t, got.Verified)
	assert.False(t, got.Existed)
	assert.Equal(t, int64(23058), got.Room.RoomID, "the short id gave way to the real one")
	assert.Equal(t, "3号直播间", got.Room.Name)
	assert.True(t, got.Room.AutoRecord)
	for _, id := range []int64{3, 23058} {
		room, err := c.Room(soon(t), id)
		require.NoError(t, err)
		assert.Equal(t, int64(23058), room.RoomID)
		again, err := c.Add(soon(t), id, true)
		require.NoError(t, err)
		assert.True(t, again.Existed)
	}
	rooms, err := c.Rooms(soon(t))
	require.NoError(t, err)
	assert.Len(t, rooms, 1)
}

func TestAdd_findsARoomThatWasAddedByItsShortIdAndNeverRefreshed(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	post(t, d, "/api/room", `{"roomId":3,"autoRecord":true}`)
	got, err := clientOf(t, d).Add(soon(t), 23058, true)
	require.NoError(t, err)
	assert.True(t, got.Existed)
}

func TestAdd_takesNoOtherRoomForTheNewOne(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	d.Instead(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method != http.MethodPost || q.URL.Path != "/api/room" {
			return false
		}
		_, _ = w.Write([]byte(`{"roomId":99,"shortId":9,"name":"another","autoRecord":true}`))
		return true
	})
	added, err := clientOf(t, d).Add(soon(t), 3, true)
	assert.Equal(t, recorder.Foreign, recorder.KindOf(err), "%+v, %v", added, err)
}

func TestAdd_saysThatARoomIsUnverified(t *testing.T) {
	t.Parallel()
	c := clientOf(t, recordertest.Start(t, recordertest.Quick(rehearsal.Config{})))
	got, err := c.Add(soon(t), 404, true)
	require.NoError(t, err)
	assert.False(t, got.Verified)
	assert.Equal(t, int64(404), got.Room.RoomID)
}

func TestClient_neverAsksAboutRoomZero(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	_, err := c.Add(soon(t), 1888544306, true) // has no short id: the one that 0 would hit
	require.NoError(t, err)
	var asked atomic.Int32
	d.Instead(func(http.ResponseWriter, *http.Request) bool { asked.Add(1); return false })
	for _, id := range []int64{0, -1, math.MinInt64} {
		for name, command := range map[string]func(context.Context, int64) (recorder.Room, error){
			"room": c.Room, "remove": c.Remove, "start": c.Start, "stop": c.Stop, "split": c.Split, "refresh": c.Refresh,
			"add": func(ctx context.Context, id int64) (recorder.Room, error) {
				a, err := c.Add(ctx, id, true)
				return a.Room, err
			},
			"config": func(ctx context.Context, id int64) (recorder.Room, error) {
				_, err := c.RoomConfig(ctx, id)
				return recorder.Room{}, err
			},
			"stats": func(ctx context.Context, id int64) (recorder.Room, error) {
				_, _, err := c.Stats(ctx, id)
				return recorder.Room{}, err
			},
		} {
			_, err := command(soon(t), id)
			assert.Equal(t, recorder.BadID, recorder.KindOf(err), name)
		}
	}
	assert.Zero(t, asked.Load())
	rooms, err := c.Rooms(soon(t))
	require.NoError(t, err)
	assert.Len(t, rooms, 1, "nothing was removed")
}

func TestRooms_readNotANumber(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	_, err := c.Add(soon(t), 3, false)
	require.NoError(t, err)
	rooms, err := c.Rooms(soon(t))
	require.NoError(t, err)
	assert.True(t, math.IsNaN(float64(rooms[0].Stats.DurationRatio)))
	assert.Zero(t, rooms[0].Stats.DurationRatio.Finite())
	assert.Equal(t, 1, rooms[0].IOStats.StartTime.Year())
	d.Live(23058, true)
	_, err = c.Start(soon(t), 3)
	require.NoError(t, err)
	_, io, err := c.Stats(soon(t), 3)
	require.NoError(t, err)
	assert.True(t, math.IsInf(float64(io.DiskMBps), 1))
	g, err := c.RoomConfig(soon(t), 3)
	require.NoError(t, err)
	assert.False(t, g.AutoRecord)
}

func TestClient_objectIdChangesAndTheRoomIsFoundAllTheSame(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	before, err := c.Add(soon(t), 1888544306, false)
	require.NoError(t, err)
	d.Kill() // the room was saved when it was added
	d.Again()
	after, err := c.Room(soon(t), before.Room.RoomID)
	require.NoError(t, err)
	assert.NotEqual(t, before.Room.ObjectID, after.ObjectID)
}

func TestClient_tellsWhatIsThereFromWhatIsNot(t *testing.T) {
	t.Parallel()
	c := clientOf(t, recordertest.Start(t, recordertest.Quick(rehearsal.Config{})))
	_, err := c.Room(soon(t), 5)
	assert.Equal(t, recorder.NoRoom, recorder.KindOf(err))
	_, err = c.Remove(soon(t), 5)
	assert.Equal(t, recorder.NoRoom, recorder.KindOf(err))
	_, err = c.Add(soon(t), math.MaxInt64, true)
	assert.Equal(t, recorder.Refused, recorder.KindOf(err))
	v, err := c.Version(soon(t))
	require.NoError(t, err)
	assert.Equal(t, "2.17.3", v.String())
}

func post(t *testing.T, d *recordertest.Double, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.SetBasicAuth(recordertest.User, recordertest.Password)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

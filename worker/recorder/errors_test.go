package recorder_test

import (
	"context"
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

// askedOf gives the kind and the words of what a recorder's answer leads to.
func askedOf(t *testing.T, cfg recorder.Config) (recorder.Kind, string) {
	t.Helper()
	_, err := clientAt(t, cfg).Rooms(soon(t))
	require.Error(t, err)
	return recorder.KindOf(err), err.Error()
}

func TestErrors_tellNoPasswordFromAWrongOne(t *testing.T) {
	t.Parallel()
	locked := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	kind, words := askedOf(t, recorder.Config{URL: locked.URL, User: "a", Password: "my-secret-guess"})
	assert.Equal(t, recorder.Unauthorized, kind)
	assert.Contains(t, words, "401")
	assert.Contains(t, words, "NGLIVE_RECORDER_PASSWORD")
	assert.Contains(t, words, "密码")
	assert.NotContains(t, words, "my-secret-guess")

	// A recorder of 2.11 without a password refuses 127.0.0.1 itself; a newer one refuses what came through a proxy.
	open := recordertest.Start(t, recordertest.Quick(rehearsal.Config{OpenAccess: true, Version: "2.11.1"}))
	c := clientAt(t, recorder.Config{URL: open.URL})
	_, err := c.Rooms(soon(t))
	require.NoError(t, err)
	bug := rehearsalWithoutPassword(t, "2.11.1")
	kind, words = askedOf(t, recorder.Config{URL: bug})
	assert.Equal(t, recorder.Denied, kind)
	assert.Contains(t, words, "412")
	assert.Contains(t, words, "BREC_HTTP_BASIC_USER")
	assert.Contains(t, words, "用户名")
	_, err = clientAt(t, recorder.Config{URL: rehearsalWithoutPassword(t, "2.17.3")}).Rooms(soon(t))
	require.NoError(t, err)
}

func rehearsalWithoutPassword(t *testing.T, version string) string {
	t.Helper()
	r, err := rehearsal.New(recordertest.Quick(rehearsal.Config{Dir: t.TempDir(), Film: recordertest.Film(t), Version: version}))
	require.NoError(t, err)
	l := recordertest.Listen(t, "127.0.0.1:0")
	s := &http.Server{Handler: r.Handler()}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); r.Kill() })
	return "http://" + l.Addr().String()
}

func TestErrors_sayWhatAnswersInsteadOfARecorder(t *testing.T) {
	t.Parallel()
	const page, json = "text/html", "application/json"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       recorder.Kind
		words      string
	}{
		"a web page":          {200, page, "<!DOCTYPE html><html><title>my router</title>", recorder.Foreign, "with a web page"},
		"a page at 404":       {404, page, "<html>nothing</html>", recorder.Foreign, "HTTP 404"},
		"a page at 502":       {502, page, "<html>bad gateway</html>", recorder.Broken, "502"},
		"nothing":             {200, json, "", recorder.Foreign, "with nothing"},
		"half of it":          {200, json, `[{"roomId":1`, recorder.Foreign, "broken JSON"},
		"noise":               {200, json, "\x00\xff\xfe", recorder.Foreign, "not JSON"},
		"null":                {200, json, "null", recorder.Foreign, "not JSON"},
		"an object":           {200, json, `{"ok":true}`, recorder.Foreign, "unexpected form"},
		"rooms without ids":   {200, json, `[{}]`, recorder.Foreign, "without an id"},
		"a wrong type":        {200, json, `[{"roomId":"x"}]`, recorder.Foreign, "unexpected form"},
		"deep":                {200, json, strings.Repeat("[", 100_000), recorder.Foreign, "broken JSON"},
		"a redirect":          {302, page, "", recorder.Foreign, "HTTP 302"},
		"no content":          {204, json, "", recorder.Foreign, "HTTP 204"},
		"another JSON at 400": {400, json, `{"detail":[]}`, recorder.Foreign, "HTTP 400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, words := askedOf(t, recorder.Config{URL: recordertest.Reply(t, c.status, c.kind, c.body).URL})
			assert.Equal(t, c.want, kind)
			assert.Contains(t, words, c.words)
			assert.NotContains(t, words, "my router", "a stranger's page is not repeated")
			assert.Contains(t, words, "录播姬")
		})
	}
}

func TestErrors_aRecorderThatIsAwayIsToldFromOneThatIsSlow(t *testing.T) {
	t.Parallel()
	kind, words := askedOf(t, recorder.Config{URL: "http://" + recordertest.FreeAddress(t)})
	assert.Equal(t, recorder.Away, kind)
	assert.Contains(t, words, "is it running")

	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	d.Instead(func(_ http.ResponseWriter, q *http.Request) bool { <-q.Context().Done(); return true })
	kind, words = askedOf(t, recorder.Config{URL: d.URL, User: recordertest.User, Password: recordertest.Password, Timeout: 50 * time.Millisecond})
	assert.Equal(t, recorder.Slow, kind)
	assert.Contains(t, words, "no answer in time")

	// It begins to answer and hangs.
	d.Instead(func(w http.ResponseWriter, q *http.Request) bool {
		_, _ = w.Write([]byte("[{"))
		_ = http.NewResponseController(w).Flush()
		<-q.Context().Done()
		return true
	})
	kind, _ = askedOf(t, recorder.Config{URL: d.URL, User: recordertest.User, Password: recordertest.Password, Timeout: 50 * time.Millisecond})
	assert.Equal(t, recorder.Slow, kind)
}

func TestErrors_anAnswerWithoutEndIsCutOff(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	d.Instead(func(w http.ResponseWriter, q *http.Request) bool {
		for q.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				break
			}
		}
		return true
	})
	kind, words := askedOf(t, recorder.Config{URL: d.URL})
	assert.Equal(t, recorder.Foreign, kind)
	assert.Contains(t, words, "larger than 32 MiB")
}

func TestErrors_whoEndsTheQuestionHearsItsOwnReason(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	ctx, cancel := context.WithCancel(t.Context())
	d.Instead(func(_ http.ResponseWriter, q *http.Request) bool { cancel(); <-q.Context().Done(); return true })
	_, err := clientOf(t, d).Rooms(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNew_takesOnlyAnAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:2356", "ftp://x", "http://user:secret-pw@127.0.0.1", "http://", "http://[::1"} {
		_, err := recorder.New(recorder.Config{URL: address})
		require.Error(t, err, address)
		assert.NotContains(t, err.Error(), "secret-pw")
	}
	c, err := recorder.New(recorder.Config{URL: "https://example.com/brec/"})
	require.NoError(t, err)
	assert.Equal(t, "https://example.com/brec", c.Address())
}

// TestAdd_outlivesARestartInItsMiddle kills the recorder after it took the room and before it was refreshed.
func TestAdd_outlivesARestartInItsMiddle(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	var once atomic.Bool
	back := make(chan struct{})
	d.Instead(func(w http.ResponseWriter, q *http.Request) bool {
		if !strings.HasSuffix(q.URL.Path, "/refresh") || once.Swap(true) {
			return false
		}
		go func() {
			defer close(back)
			d.Kill()
			d.Again()
		}()
		panic(http.ErrAbortHandler) // the line breaks
	})
	got, err := c.Add(soon(t), 23058, true)
	require.NoError(t, err)
	<-back
	assert.True(t, got.Verified)
	assert.Equal(t, "3号直播间", got.Room.Name)
}

func TestAdd_waitsNoLongerThanItIsTold(t *testing.T) {
	t.Parallel()
	c := clientAt(t, recorder.Config{URL: "http://" + recordertest.FreeAddress(t)})
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err := c.Add(ctx, 23058, true)
	assert.Contains(t, []recorder.Kind{recorder.Away, recorder.Slow}, recorder.KindOf(err))
}

package recorder_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

const ours = "http://127.0.0.1:8100/webhook/?node=nas&token=our-token"

func TestMergeWebhooks_keepsTheOwnersAndOursOnce(t *testing.T) {
	t.Parallel()
	const theirs, other = "http://192.168.1.9:3750/hook", "https://example.com/webhook/?node=nas"
	for name, c := range map[string]struct{ list, want string }{
		"empty":                     {"", ours},
		"the owner's stays":         {theirs, theirs + "\n" + ours},
		"there already":             {theirs + "\r\n" + ours, ""},
		"the seed's spelling":       {"http://127.0.0.1:8100/webhook/\n" + theirs, ours + "\n" + theirs},
		"without a slash":           {"http://localhost:8100/webhook", ours},
		"an older node's name":      {"http://127.0.0.1:8100/webhook/?node=old&token=our-token", ours},
		"at an older port":          {"http://127.0.0.1:9999/webhook/?node=nas&token=our-token", ours},
		"with a token that changed": {"http://127.0.0.1:8100/webhook/?node=nas&token=other", ours},
		"twice":                     {ours + "\n" + theirs + "\nhttp://127.0.0.1:8100/webhook/", ours + "\n" + theirs},
		"of its own route":          {"http://127.0.0.1:8100/webhook/bililiverecorder", ours},
		"another NGlive's":          {other, other + "\n" + ours},
		"another node's":            {"http://10.0.0.2:8100/webhook/?node=b&token=our-token", "http://10.0.0.2:8100/webhook/?node=b&token=our-token\n" + ours},
		"another node's beside us":  {"http://127.0.0.1:8101/webhook/?node=b&token=our-token", "http://127.0.0.1:8101/webhook/?node=b&token=our-token\n" + ours},
		"another program's port":    {"http://127.0.0.1:8101/webhook/", "http://127.0.0.1:8101/webhook/\n" + ours},
		"ours from a container":     {"http://172.17.0.1:8100/webhook/?node=nas&token=our-token", "http://172.17.0.1:8100/webhook/?node=nas&token=our-token\n" + ours},
		"blank lines":               {"\n \n" + theirs + "\n\n", theirs + "\n" + ours},
		"no address":                {"::::\nhttp://[", "::::\nhttp://[\n" + ours},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			merged, changed := recorder.MergeWebhooks(c.list, ours)
			assert.Equal(t, c.want != "", changed)
			if changed {
				assert.Equal(t, c.want, merged)
			}
			again, changed := recorder.MergeWebhooks(merged, ours)
			assert.False(t, changed, "a second look changes nothing")
			assert.Equal(t, merged, again)
		})
	}
}

func TestMergeWebhooks_withoutATokenTakesNoOthersForOurs(t *testing.T) {
	t.Parallel()
	const open, other = "http://127.0.0.1:8100/webhook/?node=nas", "http://10.0.0.2:8100/webhook/?node=nas"
	merged, _ := recorder.MergeWebhooks(other, open)
	assert.Equal(t, other+"\n"+open, merged)
}

func TestNeverPosts_knowsTheHostsThatARecorderLeavesOut(t *testing.T) {
	t.Parallel()
	for address, never := range map[string]bool{
		"http://127.0.0.1:8100/webhook/": false, "https://my.bilibili.com/x": true, "http://notqq.com": true, "ftp://10.0.0.1": true,
		"http://host.docker.internal:8100/": false, "/webhook": true,
	} {
		assert.Equal(t, never, recorder.NeverPosts(address), address)
	}
}

// watched watches a double until the test ends.
func watched(t *testing.T, c *recorder.Client, webhook string) *recorder.Watch {
	t.Helper()
	w := recorder.NewWatch(c, webhook, recorder.Times{Look: 10 * time.Millisecond, Hooks: 30 * time.Millisecond, Alarm: time.Hour}, nil)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { w.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return w
}

// hooksOf waits until the addresses that a double posts to are as wanted.
func hooksOf(t *testing.T, c *recorder.Client, ok func(lines []string) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		g, err := c.GlobalConfig(t.Context())
		return err == nil && g.WebHooksV2 != nil && ok(strings.Fields(g.WebHooksV2.Value))
	}, 60*time.Second, 5*time.Millisecond)
}

func exactly(want ...string) func([]string) bool {
	return func(lines []string) bool { return strings.Join(lines, " ") == strings.Join(want, " ") }
}

func TestWatch_putsOurWebhookIntoTheListAndKeepsItThere(t *testing.T) {
	t.Parallel()
	const theirs = "http://192.168.1.9:3750/hook"
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	_, err := c.SetGlobalConfig(soon(t), recorder.GlobalConfig{WebHooksV2: recorder.Set(theirs + "\nhttp://127.0.0.1:8100/webhook/")})
	require.NoError(t, err)
	w := watched(t, c, ours)
	hooksOf(t, c, exactly(theirs, ours))
	require.Eventually(t, func() bool { return w.State().Hooked }, 60*time.Second, 5*time.Millisecond)

	// Somebody empties the list in the recorder's own page.
	_, err = c.SetGlobalConfig(soon(t), recorder.GlobalConfig{WebHooksV2: recorder.Set("")})
	require.NoError(t, err)
	hooksOf(t, c, exactly(ours))

	// REST saved it: even a recorder that is killed starts with it.
	d.Kill()
	d.Again()
	hooksOf(t, c, exactly(ours))
}

func TestWatch_triesUntilTheRecorderIsUp(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{Forgetful: true}))
	c := clientOf(t, d)
	d.Kill()
	w := watched(t, c, ours)
	require.Eventually(t, func() bool { return w.State().Trouble != "" }, 60*time.Second, 5*time.Millisecond)
	assert.False(t, w.State().Up)
	d.Again()
	hooksOf(t, c, exactly(ours))
	d.Kill()
	require.Eventually(t, func() bool { return !w.State().Up }, 60*time.Second, 5*time.Millisecond)
	d.Again() // a Forgetful one comes back with an empty list
	hooksOf(t, c, exactly(ours))
}

func TestWatch_triesAgainWhenTheSettingsCannotBeChanged(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	var refused sync.Map
	d.Instead(func(w http.ResponseWriter, q *http.Request) bool {
		if _, before := refused.LoadOrStore("once", true); before || q.Method != http.MethodPost {
			if q.Method != http.MethodPost {
				refused.Delete("once")
			}
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	c := clientOf(t, d)
	w := watched(t, c, ours)
	require.Eventually(t, func() bool { return strings.Contains(w.State().Trouble, "500") }, 60*time.Second, time.Millisecond)
	d.Instead(nil)
	hooksOf(t, c, exactly(ours))
	require.Eventually(t, func() bool { s := w.State(); return s.Hooked && s.Trouble == "" }, 60*time.Second, 5*time.Millisecond)
}

func TestWatch_leavesTheListAloneWithoutAWebhook(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	c := clientOf(t, d)
	w := watched(t, c, "")
	require.Eventually(t, func() bool { return w.State().Up }, 60*time.Second, 5*time.Millisecond)
	hooksOf(t, c, func(lines []string) bool { return len(lines) == 0 })
}

func TestWatch_saysAtOnceThatThePasswordIsWrong(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	w := watched(t, clientAt(t, recorder.Config{URL: d.URL, User: "u", Password: "wrong"}), ours)
	require.Eventually(t, func() bool { s := w.State(); return s.Alarm && strings.Contains(s.Trouble, "NGLIVE_RECORDER_PASSWORD") }, 60*time.Second, 5*time.Millisecond)
}

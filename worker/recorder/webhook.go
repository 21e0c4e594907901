package recorder

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// EnsureWebhook makes sure that the recorder posts its events (version 2) to ours, beside the addresses that its owner put
// there. It reports whether it had to change something.
func (c *Client) EnsureWebhook(ctx context.Context, ours string) (changed bool, err error) {
	g, err := c.GlobalConfig(ctx)
	if err != nil {
		return false, err
	}
	list := ""
	if g.WebHooksV2 != nil && g.WebHooksV2.HasValue {
		list = g.WebHooksV2.Value
	}
	merged, changed := MergeWebhooks(list, ours)
	if !changed {
		return false, nil
	}
	_, err = c.SetGlobalConfig(ctx, GlobalConfig{WebHooksV2: Set(merged)})
	return err == nil, err
}

// MergeWebhooks puts ours into a recorder's list, one address a line. It replaces what is an older spelling of ours, keeps
// everything else in its order, and changes nothing when ours is there once.
func MergeWebhooks(list, ours string) (merged string, changed bool) {
	var kept []string
	found := false
	for line := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case !sameWebhook(line, ours):
			kept = append(kept, line)
		case found: // once is enough
			changed = true
		default:
			kept, found, changed = append(kept, ours), true, changed || line != ours
		}
	}
	if !found {
		kept, changed = append(kept, ours), true
	}
	return strings.Join(kept, "\n"), changed
}

// sameWebhook reports whether a line is one of our own, however it was spelled: at the same place, or at another port of
// the same host with our token and either our node's name or none. Another NGlive's, with another token or node, is not.
func sameWebhook(line, ours string) bool {
	if line == ours {
		return true
	}
	a, errA := url.Parse(line)
	b, errB := url.Parse(ours)
	if errA != nil || errB != nil || !webhookPath(a.Path, b.Path) {
		return false
	}
	if strings.EqualFold(place(a), place(b)) {
		return true
	}
	if !strings.EqualFold(machine(a), machine(b)) {
		return false // the same NGlive by a name that works from inside a container, where ours may not
	}
	token, node := a.Query().Get("token"), a.Query().Get("node")
	return token != "" && token == b.Query().Get("token") && (node == "" || node == b.Query().Get("node"))
}

func webhookPath(path, ours string) bool {
	path, ours = strings.TrimRight(path, "/"), strings.TrimRight(ours, "/")
	return path == ours || path == ours+"/bililiverecorder"
}

// place is host and port, with the names of this machine taken for one.
func place(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return machine(u) + ":" + port
}

func machine(u *url.URL) string {
	host := u.Hostname()
	if slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(host)) {
		return "localhost"
	}
	return host
}

// NeverPosts reports whether a recorder (2.10.1 and newer) leaves an address out without a word but in its log.
func NeverPosts(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return true
	}
	return slices.ContainsFunc(strings.Fields(blockedHosts), func(end string) bool {
		return strings.HasSuffix(strings.ToLower(u.Hostname()), end)
	})
}

const blockedHosts = "test.example.com baidu.com qq.com google.com b23.tv bilibili.com bilibili.cn bilibili.tv bilicomic.com " +
	"bilicomics.com bilivideo.com bilivideo.cn biligame.com biligame.net biliapi.com biliapi.net hdslb.com"

package baidutest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func shareForm() url.Values {
	return q("path_list", `["`+anyPath+`"]`, "schannel", "4", "channel_list", "[]", "period", "7", "pwd", "ab12", "share_type", "9")
}

// sharing is a cookie client with a file to share.
func sharing(t *testing.T, s *baidutest.Server) (c *client, fsID string) {
	t.Helper()
	c = cookieClient(t, s)
	return c, c.newUpload(anyPath, mib).all().text("fs_id")
}

func (c *client) pset(pairs ...string) answer {
	return c.post(c.pan+"/share/pset", nil, with(shareForm(), pairs...))
}

func TestShare_psetNeedsAFileAPasswordAndAPeriod(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c, _ := sharing(t, s)
	for name, x := range map[string]struct {
		field, value string
		want         int
	}{
		"no such file":          {"path_list", `["/nothing"]`, -9},
		"nothing":               {"path_list", `[]`, -9},
		"no list":               {"path_list", anyPath, 2},
		"no password":           {"pwd", "", 2},
		"3 characters":          {"pwd", "ab1", 2},
		"5 characters":          {"pwd", "ab123", 2},
		"upper case":            {"pwd", "AB12", 2},
		"other characters":      {"pwd", "ab-1", 2},
		"no period":             {"period", "", 2},
		"a period in words":     {"period", "week", 2},
		"a period before today": {"period", "-1", 2},
		"a period past a year":  {"period", "366", 2},
		"no schannel":           {"schannel", "", 2},
		"no channel_list":       {"channel_list", "", 2},
		"no share_type":         {"share_type", "", 2},
	} {
		if got := c.pset(x.field, x.value); got.code() != x.want {
			t.Errorf("%s: %s, want %d", name, got.body, x.want)
		}
	}
	if len(s.Shares()) != 0 {
		t.Errorf("refused shares made %v", s.Shares())
	}
	first, second := c.pset(), c.pset("period", "0")
	if first.code() != 0 || first.text("link") == "" || first.text("shareid") == second.text("shareid") || second.number("expiretime") != 0 {
		t.Errorf("%s, then %s", first.body, second.body)
	}
	if shares := s.Shares(); len(shares) != 2 || shares[0].Password != "ab12" || shares[0].Paths[0] != anyPath || s.Requests(baidutest.SharePSet) != 17 {
		t.Errorf("%+v", shares)
	}
	c.bduss = ""
	if got := c.pset(); got.code() != -6 {
		t.Errorf("without a cookie: %s", got.body)
	}
}

func TestShare_setNeedsBdstokenAndSTOKEN(t *testing.T) {
	t.Parallel()
	c, id := sharing(t, baidutest.New(t, baidutest.Options{}))
	variables := c.get(c.pan+"/api/gettemplatevariable", q("fields", `["bdstoken"]`, "clienttype", "0", "app_id", "266719"))
	result, _ := variables.json["result"].(map[string]any)
	token := fmt.Sprint(result["bdstoken"])
	if len(token) != 32 {
		t.Fatalf("%s", variables.body)
	}
	form := q("fid_list", "["+id+"]", "schannel", "4", "channel_list", "[]", "period", "7", "pwd", "ab12")
	set := func(bdstoken string) answer {
		return c.post(c.pan+"/share/set", q("channel", "chunlei", "clienttype", "0", "web", "1", "app_id", "250528", "bdstoken", bdstoken), form)
	}
	if got := set("wrong"); got.code() != -6 {
		t.Errorf("a wrong bdstoken: %s", got.body)
	}
	if got := set(token); got.code() != 0 || got.text("link") == "" {
		t.Errorf("%s", got.body)
	}
	form.Set("fid_list", "[5]")
	if got := set(token); got.code() != -9 {
		t.Errorf("an unknown fs_id: %s", got.body)
	}
	c.stoken = ""
	if got := set(token); got.code() != -6 {
		t.Errorf("without STOKEN: %s", got.body)
	}
}

func TestShare_isListedLookedUpAndCancelled(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c, _ := sharing(t, s)
	record := func() answer { return c.get(c.pan+"/share/record", q("page", "1", "desc", "1", "order", "time")) }
	if got := record(); got.json["list"] == nil || len(got.list("list")) != 0 || fmt.Sprint(got.json["list"]) != "map[]" {
		t.Errorf("an empty list is an object: %s", got.body)
	}
	id := c.pset().text("shareid")
	if list := record().list("list"); len(list) != 1 || fmt.Sprint(list[0]["shareId"]) != id {
		t.Errorf("%v", list)
	}
	look := func(sign string) answer {
		return c.get(c.pan+"/share/surlinfoinrecord", q("shareid", id, "sign", sign))
	}
	if got := look(baidutest.MD5([]byte(id + "_sharesurlinfo!@#"))); got.text("pwd") != "ab12" {
		t.Errorf("%s", got.body)
	}
	if got := look("x"); got.code() != 2 {
		t.Errorf("a wrong sign: %s", got.body)
	}
	if got := c.post(c.pan+"/share/cancel", nil, q("shareid_list", "["+id+"]")); got.code() != 0 || len(s.Shares()) != 0 {
		t.Errorf("%s", got.body)
	}
}

func TestShare_isRefusedToSomeAccountsAndToOAuth(t *testing.T) {
	t.Parallel()
	for _, code := range []int{115, 110, -70} {
		account := baidutest.DefaultAccount()
		account.ShareErrno = code
		s := baidutest.New(t, baidutest.Options{Accounts: []baidutest.Account{account}})
		c, _ := sharing(t, s)
		if got := c.pset(); got.code() != code || got.status != http.StatusOK || len(s.Shares()) != 0 {
			t.Errorf("%s, want %d", got.body, code)
		}
	}
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	if got := c.post(c.pan+"/apaas/1.0/share/set", q("product", "netdisk", "appid", "1"), q("fsid_list", `["1"]`, "period", "7", "pwd", "ab12")); got.code() != 13998 {
		t.Errorf("%s, want 13998", got.body)
	}
}

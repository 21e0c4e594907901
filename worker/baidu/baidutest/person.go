package baidutest

import (
	"net/http"
	"strconv"
	"strings"
)

// bdstoken is what the web puts into the URLs of changes.
func (a *account) bdstoken() string { return MD5([]byte("bdstoken of " + a.Name)) }

func (c *call) uinfo() (fields, *refusal) {
	if c.s.opts.Answers.NoUinfo {
		return nil, page(http.StatusNotFound, "text/html", "<html><head><title>404 Not Found</title></head></html>\n")
	}
	f := fields{
		"errmsg": "succ", "avatar_url": "", "baidu_name": c.account.Name, "netdisk_name": "", "uk": c.account.UK, "vip_type": c.account.Tier,
	}
	if c.s.opts.Answers.NoVIPType {
		delete(f, "vip_type")
	}
	return f, nil
}

func (c *call) getInfo() (fields, *refusal) {
	if c.query.Get("need_selfinfo") != "1" {
		return nil, refuse(2, "")
	}
	record := fields{"uk": c.account.UK, "uname": c.account.Name, "vip_type": c.account.Tier, "vip_level": 0, "is_vip": 0}
	if c.s.opts.Answers.NoVIPType {
		delete(record, "vip_type")
	}
	return fields{"records": []fields{record}}, nil
}

func (c *call) quotaPan() (fields, *refusal) {
	a := c.account
	return fields{"total": a.Quota, "used": a.Used, "free": max(a.Quota-a.Used, 0), "expire": false}, nil
}

func (c *call) quotaPCS() (fields, *refusal) {
	return fields{"quota": c.account.Quota, "used": c.account.Used}, nil
}

// diskPage is the web's page; the bdstoken stands in it for whoever is logged in there, which takes the STOKEN.
func (c *call) diskPage() (fields, *refusal) {
	if len(cookies(c.r, "STOKEN")) != 1 {
		return nil, page(http.StatusOK, "text/html; charset=utf-8", "<html><body>log in</body></html>\n")
	}
	text := `<html><script>locals.mset({"bdstoken":"` + c.account.bdstoken() + `","uk":` + c.account.ukText() + `});</script></html>`
	return nil, page(http.StatusOK, "text/html; charset=utf-8", text+"\n")
}

// membership is what the account's holder has bought.
func (c *call) membership() (fields, *refusal) {
	return fields{"product_infos": []fields{}, "level_info": fields{"current_level": int(c.account.Tier)}}, nil
}

func (c *call) templateVariable() (fields, *refusal) {
	result := fields{}
	if strings.Contains(c.query.Get("fields"), "bdstoken") {
		result["bdstoken"] = c.account.bdstoken()
	}
	return fields{"result": result}, nil
}

// tiebaLogin tells a cookie client whose BDUSS it has.
func (c *call) tiebaLogin() (fields, *refusal) {
	bduss, _, _ := strings.Cut(c.form.Get("bdusstoken"), "|")
	for _, a := range c.s.accounts {
		if a.BDUSS != "" && a.BDUSS == bduss && !a.revoked {
			return fields{
				"error_code": "0", "anti": fields{"tbs": "0"},
				"user": fields{"id": strconv.FormatInt(a.UK, 10), "name": a.Name, "BDUSS": a.BDUSS, "portrait": ""},
			}, nil
		}
	}
	return fields{"error_code": "1", "error_msg": "the user is not logged in"}, nil
}

func (c *call) tiebaPanel() (fields, *refusal) {
	a := c.s.find(c.query.Get("un"))
	if a == nil {
		return fields{"no": 1, "error": "no such user", "data": fields{}}, nil
	}
	return fields{
		"no": 0, "error": "success",
		"data": fields{"id": a.UK, "name": a.Name, "name_show": a.Name, "sex": "male", "tb_age": "1.0"},
	}, nil
}

func (c *call) tiebaProfile() (fields, *refusal) {
	for _, a := range c.s.accounts {
		if strconv.FormatInt(a.UK, 10) == c.query.Get("uid") {
			return fields{
				"error_code": "0", "user": fields{
					"id": c.query.Get("uid"), "name": a.Name, "name_show": a.Name, "sex": 1, "tb_age": "1.0", "like_forum_num": 0, "post_num": 0,
				},
			}, nil
		}
	}
	return fields{"error_code": "1", "error_msg": "no such user"}, nil
}

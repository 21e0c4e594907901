package baidutest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// who may come in.
type who int

const (
	anybody who = iota
	byToken
	byCookie
	byEither
)

// endpoint is something Baidu answers. An empty verb is GET or POST. handle holds the server's lock, unless the endpoint reads its
// body itself.
type endpoint struct {
	name   string
	verb   string
	family family
	who    who
	body   bool // reads its body itself
	handle func(*call) (fields, *refusal)
}

// Names of the endpoints, for counters and the fault script.
const (
	UInfo         = "uinfo"
	GetInfo       = "getinfo"
	Quota         = "quota"
	List          = "list"
	ListAll       = "listall"
	Search        = "search"
	Meta          = "meta"
	FileMetas     = "filemetas"
	Precreate     = "precreate"
	LocateUpload  = "locateupload"
	SuperFile2    = "superfile2"
	Create        = "create"
	Mkdir         = "mkdir"
	Delete        = "delete"
	Move          = "move"
	Copy          = "copy"
	FileManager   = "filemanager"
	Upload        = "upload"
	DeadUpload    = "dead upload"
	SharePSet     = "share/pset"
	ShareSet      = "share/set"
	ShareRecord   = "share/record"
	ShareCancel   = "share/cancel"
	ShareSurl     = "share/surlinfoinrecord"
	ShareApaas    = "apaas/share"
	TemplateVars  = "gettemplatevariable"
	Token         = "token"
	DeviceCode    = "device/code"
	DevicePage    = "device"
	Authorize     = "authorize"
	LoggedIn      = "passport/getInfo"
	DiskPage      = "disk"
	Membership    = "membership"
	TiebaLogin    = "tieba/login"
	TiebaPanel    = "tieba/panel"
	TiebaProfile  = "tieba/profile"
	unknownTarget = "unknown"
)

const (
	panHost     = "pan.baidu.com"
	pcsHost     = "pcs.baidu.com"
	openapiHost = "openapi.baidu.com"
	tiebaHost   = "tieba.baidu.com"
)

// route finds the endpoint of a request.
func (c *call) route() (endpoint, bool) {
	key := c.r.URL.Path
	if strings.HasPrefix(key, "/rest/2.0/") {
		key += "?" + c.method
	}
	e, found := table(c.host)[key]
	if !found {
		e = endpoint{name: unknownTarget, family: familyOf(c.host)}
		if strings.HasPrefix(c.r.URL.Path, "/rest/2.0/") && strings.HasSuffix(c.host, "baidu.com") {
			// the REST front itself answers: as dead methods do
			return endpoint{name: unknownTarget, family: e.family, body: true, handle: unsupported}, true
		}
	}
	return e, found
}

func familyOf(host string) family {
	switch host {
	case panHost, tiebaHost:
		return pan
	case openapiHost:
		return oauth
	}
	return pcs
}

func table(host string) map[string]endpoint {
	switch host {
	case panHost:
		return panTable()
	case openapiHost:
		return openapiTable()
	case tiebaHost:
		return tiebaTable()
	}
	return pcsTable()
}

func panTable() map[string]endpoint {
	const get, post = http.MethodGet, http.MethodPost
	return map[string]endpoint{
		"/rest/2.0/xpan/nas?uinfo":            {UInfo, get, pan, byToken, false, (*call).uinfo},
		"/rest/2.0/xpan/file?list":            {List, get, pan, byToken, false, (*call).listXpan},
		"/rest/2.0/xpan/file?search":          {Search, get, pan, byToken, false, (*call).searchXpan},
		"/rest/2.0/xpan/file?precreate":       {Precreate, post, pan, byToken, false, (*call).precreate},
		"/rest/2.0/xpan/file?create":          {Create, post, pan, byToken, false, (*call).create},
		"/rest/2.0/xpan/file?filemanager":     {FileManager, post, pan, byToken, false, (*call).fileManager},
		"/rest/2.0/xpan/multimedia?filemetas": {FileMetas, get, pan, byToken, false, (*call).fileMetas},
		"/rest/2.0/xpan/multimedia?listall":   {ListAll, get, pan, byToken, false, (*call).listAll},
		"/api/quota":                          {Quota, get, pan, byEither, false, (*call).quotaPan},
		"/api/user/getinfo":                   {GetInfo, get, pan, byCookie, false, (*call).getInfo},
		"/rest/2.0/membership/user?query":     {Membership, get, pan, byCookie, false, (*call).membership},
		"/disk/home":                          {DiskPage, get, pan, byCookie, false, (*call).diskPage},
		"/disk/main":                          {DiskPage, get, pan, byCookie, false, (*call).diskPage},
		"/api/gettemplatevariable":            {TemplateVars, get, pan, byCookie, false, (*call).templateVariable},
		"/api/list":                           {List, get, pan, byCookie, false, (*call).listPan},
		"/api/search":                         {Search, get, pan, byCookie, false, (*call).searchXpan},
		"/api/filemetas":                      {FileMetas, "", pan, byCookie, false, (*call).metasPan},
		"/api/precreate":                      {Precreate, post, pan, byCookie, false, (*call).precreate},
		"/api/create":                         {Create, post, pan, byCookie, false, (*call).create},
		"/api/filemanager":                    {FileManager, post, pan, byCookie, false, (*call).fileManager},
		"/share/pset":                         {SharePSet, post, pan, byCookie, false, (*call).sharePSet},
		"/share/set":                          {ShareSet, post, pan, byCookie, false, (*call).shareSet},
		"/share/record":                       {ShareRecord, get, pan, byCookie, false, (*call).shareRecord},
		"/share/cancel":                       {ShareCancel, post, pan, byCookie, false, (*call).shareCancel},
		"/share/surlinfoinrecord":             {ShareSurl, get, pan, byCookie, false, (*call).shareSurl},
		"/apaas/1.0/share/set":                {ShareApaas, post, pan, byToken, false, (*call).shareApaas},
	}
}

func pcsTable() map[string]endpoint {
	const get, post = http.MethodGet, http.MethodPost
	return map[string]endpoint{
		"/rest/2.0/pcs/quota?info":           {Quota, get, pcs, byEither, false, (*call).quotaPCS},
		"/rest/2.0/pcs/file?meta":            {Meta, "", pcs, byEither, false, (*call).meta},
		"/rest/2.0/pcs/file?list":            {List, get, pcs, byEither, false, (*call).listPCS},
		"/rest/2.0/pcs/file?search":          {Search, get, pcs, byEither, false, (*call).searchPCS},
		"/rest/2.0/pcs/file?mkdir":           {Mkdir, "", pcs, byEither, false, (*call).mkdir},
		"/rest/2.0/pcs/file?delete":          {Delete, post, pcs, byEither, false, (*call).deletePCS},
		"/rest/2.0/pcs/file?move":            {Move, post, pcs, byEither, false, (*call).movePCS},
		"/rest/2.0/pcs/file?copy":            {Copy, post, pcs, byEither, false, (*call).copyPCS},
		"/rest/2.0/pcs/file?locateupload":    {LocateUpload, "", pcs, anybody, false, (*call).locateUpload},
		"/rest/2.0/pcs/file?upload":          {Upload, post, pcs, byEither, true, (*call).uploadWhole},
		"/rest/2.0/pcs/file?rapidupload":     {DeadUpload, "", pcs, byEither, true, (*call).deadRapid},
		"/rest/2.0/pcs/file?createsuperfile": {DeadUpload, "", pcs, byEither, true, (*call).oldCreate},
		"/rest/2.0/pcs/superfile2?upload":    {SuperFile2, post, pcs, byEither, true, (*call).superFile2},
	}
}

func openapiTable() map[string]endpoint {
	const get = http.MethodGet
	return map[string]endpoint{
		"/oauth/2.0/token":       {Token, "", oauth, anybody, false, (*call).token},
		"/oauth/2.0/device/code": {DeviceCode, "", oauth, anybody, false, (*call).deviceCode},
		"/oauth/2.0/authorize":   {Authorize, get, oauth, anybody, false, (*call).authorize},
		"/device":                {DevicePage, get, oauth, anybody, false, (*call).devicePage},
		// with the errors of a REST front
		"/rest/2.0/passport/users/getInfo?":         {LoggedIn, "", pcs, byToken, false, (*call).loggedIn},
		"/rest/2.0/passport/users/getLoggedInUser?": {LoggedIn, "", pcs, byToken, false, (*call).loggedIn},
	}
}

// tiebaTable is what cookie clients ask at their login, to learn whose BDUSS it is.
func tiebaTable() map[string]endpoint {
	return map[string]endpoint{
		"/c/s/login":        {TiebaLogin, http.MethodPost, pan, anybody, false, (*call).tiebaLogin},
		"/home/get/panel":   {TiebaPanel, http.MethodGet, pan, anybody, false, (*call).tiebaPanel},
		"/c/u/user/profile": {TiebaProfile, http.MethodGet, pan, anybody, false, (*call).tiebaProfile},
	}
}

// Endpoints are the names of all endpoints.
func Endpoints() []string {
	names := map[string]bool{}
	for _, host := range []string{panHost, pcsHost, openapiHost, tiebaHost} {
		for _, e := range table(host) {
			names[e.name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func unsupported(*call) (fields, *refusal) { return nil, refuse(3, "Unsupported open api") }

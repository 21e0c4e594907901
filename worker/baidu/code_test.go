package baidu_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// codes are all numbers of the table, and one that nobody knows.
func codes() []int {
	return []int{
		429, 31034, 42000, 4, 17, 18, 19, 20012, 31021, 31022, 31025, 31209, 31212, 31213, 31214, 31215, 31500, 31591, 1, -9999, 2, 31023, 3, 31490, 6,
		-6, 31041, 31042, 31043, 31044, 31045, 31461, 31462, 36004, -4, -11, 111, 110, 112, 31460, 9019, 8002, 132, -7, 31062, 108, 31352, 31064, 42213,
		31024, -8, 31061, -30, 12, -9, 31066, 31190, -3, -31066, 10, 31363, 31299, 31353, 31081, 31083, 31355, 31364, 31365, 31079, -10, 31112, 31218,
		31450, 31220, 31219, 31208, 31326, 31626, 9100, 9200, 9300, 9400, 9500, -1, -16, 115, -70, -17, -14, -15, 13998, 77777,
	}
}

// codesAt are all codes where an upload may be lost, and one of each kind elsewhere.
func codesAt(endpoint string, by front) []int {
	switch endpoint {
	case baidutest.Precreate, baidutest.SuperFile2, baidutest.Create:
		if by == byToken || endpoint == baidutest.Create {
			return codes()
		}
	case baidutest.SharePSet, baidutest.ShareApaas:
		return []int{-1, -16, 115, -70, 110, -17, -10, -14, -15, 13998, 2, -6, 9019, 132, 31034, 77777}
	}
	return []int{31034, 17, -9999, 2, 31023, 3, 6, -6, 111, 9019, 132, -7, 31064, 31024, -9, 31365, -10, 9100, 31220, 77777}
}

// TestUpload_endsWithWordsWhateverCodeStaysAtWhateverStep: it ends, soon, in an error a person can act on, or in the file.
func TestUpload_endsWithWordsWhateverCodeStaysAtWhateverStep(t *testing.T) {
	t.Parallel()
	src := record(t, 64<<10)
	steps := map[front][]string{
		byToken:  {baidutest.UInfo, baidutest.Quota, baidutest.List, baidutest.Precreate, baidutest.LocateUpload, baidutest.SuperFile2, baidutest.Create, baidutest.ShareApaas},
		byCookie: {baidutest.GetInfo, baidutest.Quota, baidutest.Meta, baidutest.Precreate, baidutest.LocateUpload, baidutest.SuperFile2, baidutest.Create, baidutest.SharePSet},
	}
	for by, endpoints := range steps {
		for _, endpoint := range endpoints {
			t.Run(fmt.Sprint(endpoint, " by ", by), func(t *testing.T) {
				t.Parallel()
				for _, code := range codesAt(endpoint, by) {
					stuck(t, by, endpoint, code, src)
				}
			})
		}
	}
}

func stuck(t *testing.T, by front, endpoint string, code int, src *recording) {
	t.Helper()
	p := open(t, by, baidutest.Options{Faults: []baidutest.Rule{{Endpoint: endpoint, Action: baidutest.Errno, Errno: code}}}, func(c *baidu.Config) {
		c.Patience = 0.0002
		if o, ok := c.Credential.(baidu.OAuth); ok {
			o.AppID = "1"
			c.Credential = o
		}
	})
	r, err := p.upload(src)
	if err == nil {
		_, err = p.client().Share(t.Context(), r.Path, "ab12", 7)
	}
	if n := p.fake.Requests(endpoint); n > 40 {
		t.Errorf("%d at %s: %d requests", code, endpoint, n)
	}
	if n := len(p.fake.Files("")); n > 1 {
		t.Errorf("%d at %s: %d files", code, endpoint, n)
	}
	if err == nil {
		return
	}
	var e *baidu.Error
	if !errors.As(err, &e) || e.Class() == "" {
		t.Fatalf("%d at %s: %v is no classed error", code, endpoint, err)
	}
	p.secretless(err.Error() + e.UserMessage())
	if want, ok := mustBe(endpoint)[code]; ok && e.Reason() != want {
		t.Errorf("%d at %s by %s: reason %q, want %q: %v", code, endpoint, by, e.Reason(), want, err)
	}
}

// mustBe are reasons that the table fixes.
func mustBe(endpoint string) map[int]baidu.Reason {
	fixed := map[int]baidu.Reason{
		17: baidu.ReasonDaily, 19: baidu.ReasonDaily, 31220: baidu.ReasonDaily, -6: baidu.ReasonLogin, 31045: baidu.ReasonLogin, 36004: baidu.ReasonLogin,
		111: baidu.ReasonLogin, 9019: baidu.ReasonVerify, 8002: baidu.ReasonVerify, 132: baidu.ReasonVerify, 31064: baidu.ReasonPath, 42213: baidu.ReasonPath,
		31024: baidu.ReasonPermission, 31112: baidu.ReasonSpace, 31218: baidu.ReasonSpace, 31450: baidu.ReasonSpace, 9100: baidu.ReasonBanned, 9500: baidu.ReasonBanned,
		31023: baidu.ReasonRefused, 31490: baidu.ReasonRefused, 31208: baidu.ReasonRefused, 2: baidu.ReasonRefused, 31034: baidu.ReasonRate, -9999: baidu.ReasonServer, 77777: baidu.ReasonServer,
	}
	switch endpoint {
	case baidutest.UInfo, baidutest.GetInfo, baidutest.Quota: // a question that Baidu has trouble with refuses nothing
		delete(fixed, -9999)
		delete(fixed, 77777)
	case baidutest.Create:
		fixed[31365], fixed[-8], fixed[108], fixed[31062] = baidu.ReasonTooLarge, baidu.ReasonExists, baidu.ReasonName, baidu.ReasonName
	case baidutest.SharePSet, baidutest.ShareApaas:
		for _, code := range []int{-1, -16, 115, -70, 110, -17, -10, -14, -15} {
			fixed[code] = baidu.ReasonShare
		}
		fixed[13998] = baidu.ReasonNoShare
	}
	return fixed
}

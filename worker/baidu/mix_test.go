package baidu_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// mishap is a fault that ends, for mixing.
type mishap struct {
	rule  baidutest.Rule
	spare int  // slices that come twice although Baidu took them
	whole bool // the protocol makes us send all again
	only  front
}

func mishaps() []mishap {
	var all []mishap
	for _, part := range []int{0, 1, 2} {
		on := func(r baidutest.Rule) baidutest.Rule {
			r.Endpoint, r.Parts, r.Times = baidutest.SuperFile2, []int{part}, 1
			return r
		}
		all = append(all,
			mishap{rule: on(baidutest.Rule{Action: baidutest.Status, Status: 500})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Status, Status: 502})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Status, Status: 400})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Status, Status: 429})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Errno, Errno: 31021})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Errno, Errno: 31034})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Errno, Errno: 31299, Text: "Invalid param keylist"})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Reset})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Reset, Bytes: 1 << 20})},
			mishap{rule: on(baidutest.Rule{Action: baidutest.LoseAnswer}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Truncate}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.EmptyBody}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.NoMD5}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.CorruptStored}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.CorruptAnswer}), spare: 1},
			mishap{rule: on(baidutest.Rule{Action: baidutest.LoseBlock}), spare: 1, only: byToken},
			mishap{rule: on(baidutest.Rule{Action: baidutest.LoseBlock}), whole: true, only: byCookie},
			mishap{rule: on(baidutest.Rule{Action: baidutest.Expire}), whole: true},
			mishap{rule: on(baidutest.Rule{Action: baidutest.ExpireTokens}), only: byToken},
			mishap{rule: on(baidutest.Rule{Action: baidutest.HostDies}), spare: 2}, // it may take the answers of the others along
			mishap{rule: on(baidutest.Rule{Action: baidutest.ChangeTier})},
		)
	}
	for _, endpoint := range []string{baidutest.Precreate, baidutest.LocateUpload, baidutest.Create, baidutest.Quota, baidutest.List, baidutest.Meta} {
		for _, r := range []baidutest.Rule{
			{Action: baidutest.Status, Status: 500},
			{Action: baidutest.Reset},
			{Action: baidutest.LoseAnswer},
			{Action: baidutest.Truncate},
			{Action: baidutest.Errno, Errno: -9999},
		} {
			r.Endpoint, r.Times = endpoint, 1
			all = append(all, mishap{rule: r})
		}
	}
	for _, code := range []int{10, 31353, 31034} {
		all = append(all, mishap{rule: errno(baidutest.Create, 1, code)})
	}
	return append(all, mishap{rule: once(baidutest.Create, baidutest.Ghost), whole: true})
}

func TestUpload_throughRandomMixes(t *testing.T) {
	t.Parallel()
	src := record(t, 9*mib+1)
	for seed := range uint64(200) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			mixed(t, src, rand.New(rand.NewPCG(seed, 4)))
		})
	}
}

func mixed(t *testing.T, src *recording, random *rand.Rand) {
	t.Helper()
	by := fronts()[random.IntN(2)]
	x := trouble{}
	all := mishaps()
	for len(x.rules) < 1+random.IntN(4) {
		m := all[random.IntN(len(all))]
		if m.only != "" && m.only != by {
			continue
		}
		x.rules = append(x.rules, m.rule)
		x.spare += m.spare
		x.whole = x.whole || m.whole
	}
	o := baidutest.Options{Faults: x.rules, Seed: random.Uint64(), Strict: baidutest.Strict{UserAgent: true, StickyHost: random.IntN(4) == 0}}
	if o.Strict.StickyHost { // a dead host takes its slices along
		x.whole = true
	}
	p := open(t, by, o, func(c *baidu.Config) { c.Patience = 0.005 })
	var r baidu.Result
	var err error
	for tries := 0; tries == 0 || (err != nil && tries < 4); tries++ { // as the worker does
		r, err = p.upload(src)
		var e *baidu.Error
		if errors.As(err, &e) && e.Class() != "again" {
			t.Fatalf("%+v ended with class %s: %v\n%s", x.rules, e.Class(), err, p.log)
		}
	}
	if err != nil {
		t.Fatalf("%+v ended with %v\n%s", x.rules, err, p.log)
	}
	if r.Path != appPath {
		t.Errorf("the file is at %s", r.Path)
	}
	p.mustHold(src, appPath)
	if x.whole {
		x.spare += 3 * len(x.rules)
	}
	x.thrifty(t, p, src)
}

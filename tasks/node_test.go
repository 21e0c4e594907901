package tasks

import (
	"errors"
	"testing"
	"time"
)

func TestClaim_decidesByInstallationAndBoot(t *testing.T) {
	mine := Owner{Install: "a", Boot: "1"}
	for name, c := range map[string]struct {
		silent   time.Duration // of the former owner
		by       Owner
		takeOver bool
		refused  bool
		same     bool
	}{
		"same again at once":           {0, mine, false, false, false},
		"after another boot, at once":  {0, Owner{"a", "2"}, false, true, true},
		"after another boot, 14 s":     {14 * time.Second, Owner{"a", "2"}, false, true, true},
		"after another boot, 16 s":     {16 * time.Second, Owner{"a", "2"}, false, false, false},
		"another installation":         {time.Hour, Owner{"b", "1"}, false, true, false},
		"another that takes over":      {0, Owner{"b", "1"}, true, false, false},
		"after a boot, told to take":   {0, Owner{"a", "2"}, true, false, false},
		"another installation at once": {0, Owner{"b", "1"}, false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := realBench(t)
			if err := b.store.Claim(b.ctx, "nas", mine, false); err != nil {
				t.Fatal(err)
			}
			b.rdb.HIncrBy(b.ctx, keyNode("nas"), "beat", -c.silent.Milliseconds())
			err := b.store.Claim(b.ctx, "nas", c.by, c.takeOver)
			var taken *TakenError
			if errors.As(err, &taken) != c.refused || (c.refused && taken.Same != c.same) {
				t.Errorf("answer is %v", err)
			}
		})
	}
}

func TestBeat_keepsTheClaimAndTellsTheOthers(t *testing.T) {
	b := newBench(t)
	mine := Owner{Install: "a", Boot: "1"}
	if _, known, err := b.store.Node(b.ctx, "nas"); known || err != nil {
		t.Fatalf("a node nobody claimed is known (%v)", err)
	}
	if err := b.store.Claim(b.ctx, "nas", mine, false); err != nil {
		t.Fatal(err)
	}
	info := NodeInfo{Name: "nas", Host: "box", Recordings: "/rec", Defaults: Defaults{Transcode: TranscodeWith{Mode: "CRF"}}, Targets: []string{"archive"}}
	if err := b.store.Beat(b.ctx, mine, info); err != nil {
		t.Fatal(err)
	}
	nodes, err := b.store.Nodes(b.ctx)
	if err != nil || len(nodes) != 1 || !nodes[0].Alive || nodes[0].Host != "box" || nodes[0].Defaults.Transcode.Mode != "CRF" {
		t.Errorf("nodes are %+v (%v)", nodes, err)
	}
	b.rdb.HIncrBy(b.ctx, keyNode("nas"), "beat", -(2 * deadAfter).Milliseconds())
	if n, _, _ := b.store.Node(b.ctx, "nas"); n.Alive {
		t.Error("a node that was silent for two minutes is alive")
	}
}

func TestBeat_stopsAWorkerWhoseNameWasTaken(t *testing.T) {
	b := newBench(t)
	mine, other := Owner{Install: "a", Boot: "1"}, Owner{Install: "b", Boot: "1"}
	for _, c := range []struct {
		o    Owner
		take bool
	}{{mine, false}, {other, true}} {
		if err := b.store.Claim(b.ctx, "nas", c.o, c.take); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.store.Beat(b.ctx, mine, NodeInfo{Name: "nas"}); !errors.Is(err, ErrNodeLost) {
		t.Errorf("error is %v", err)
	}
	if err := b.store.Beat(b.ctx, other, NodeInfo{Name: "nas"}); err != nil {
		t.Errorf("the new owner: %v", err)
	}
}

func TestBeat_claimsAgainWhenRedisForgot(t *testing.T) {
	b := newBench(t)
	mine := Owner{Install: "a", Boot: "1"}
	if err := b.store.Claim(b.ctx, "nas", mine, false); err != nil {
		t.Fatal(err)
	}
	b.rdb.FlushAll(b.ctx)
	if err := b.store.Beat(b.ctx, mine, NodeInfo{Name: "nas"}); err != nil {
		t.Fatal(err)
	}
	if _, known, err := b.store.Node(b.ctx, "nas"); !known || err != nil {
		t.Errorf("the node is not known again (%v)", err)
	}
}

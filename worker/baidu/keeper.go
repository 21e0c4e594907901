package baidu

import (
	"encoding/json"
	"sync"
	"time"
)

// keeper writes a session to the journal: at once where it matters, else a few confirmed slices at a time. What a death takes
// with it costs a slice or two. A journal that cannot be written stops no upload: then the next look at the target decides.
type keeper struct {
	c   *Client
	key string

	saving sync.Mutex // one at a time, so that the newest stays
	mu     sync.Mutex
	s      *session
	dirty  bool
	ring   chan struct{}
	failed bool
}

// saveGap is the least time between two savings of confirmed slices.
const saveGap = 250 * time.Millisecond

func (c *Client) newKeeper(key string) *keeper {
	return &keeper{c: c, key: key, ring: make(chan struct{}, 1)}
}

// run saves what was confirmed, until done is closed.
func (k *keeper) run(done <-chan struct{}) {
	gap := time.NewTicker(max(k.c.patient(saveGap), time.Millisecond))
	defer gap.Stop()
	for {
		select {
		case <-done:
			return
		case <-k.ring:
			k.save()
		}
		select {
		case <-done:
			return
		case <-gap.C:
		}
	}
}

// with changes the session; now has it on disk before with returns.
func (k *keeper) with(now bool, change func(*session)) {
	k.mu.Lock()
	change(k.s)
	k.dirty = true
	k.mu.Unlock()
	if now {
		k.save()
		return
	}
	select {
	case k.ring <- struct{}{}:
	default:
	}
}

// hold changes a session that the journal may be reading.
func (k *keeper) hold(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// start makes s the session.
func (k *keeper) start(s *session) {
	k.mu.Lock()
	k.s, k.dirty = s, true
	k.mu.Unlock()
	k.save()
}

// confirm: Baidu has the slice, and it is ours.
func (k *keeper) confirm(i int, v sum) {
	k.with(false, func(s *session) { s.know(i, v); s.confirm(i) })
}

func (k *keeper) save() {
	k.saving.Lock()
	defer k.saving.Unlock()
	k.mu.Lock()
	if !k.dirty || k.s == nil {
		k.mu.Unlock()
		return
	}
	doc, err := json.Marshal(k.s)
	k.dirty = false
	k.mu.Unlock()
	if err == nil {
		err = k.c.cfg.Sessions.Save(k.key, doc)
	}
	if err != nil && !k.failed {
		k.failed = true
		k.c.cfg.Log.Warn("upload session not kept; after a restart it begins anew", "account", k.c.cfg.Account, "error", err)
	}
}

// drop forgets the session.
func (k *keeper) drop() {
	k.saving.Lock()
	defer k.saving.Unlock()
	k.mu.Lock()
	k.s, k.dirty = nil, false
	k.mu.Unlock()
	if err := k.c.cfg.Sessions.Delete(k.key); err != nil {
		k.c.cfg.Log.Warn("finished upload session not forgotten", "account", k.c.cfg.Account, "error", err)
	}
}

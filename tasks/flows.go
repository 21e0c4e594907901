package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Flows are all flows of an installation with the rooms that have one of their own.
type Flows struct {
	Flows []Flow            `json:"flows"`
	Rooms map[string]string `json:"rooms,omitempty"` // room id → flow id
}

// Flow returns the flow with that id and whether there is one; the default one always exists.
func (f Flows) Flow(id string) (Flow, bool) {
	if i := slices.IndexFunc(f.Flows, func(x Flow) bool { return x.ID == id }); i >= 0 {
		return f.Flows[i], true
	}
	if id == DefaultFlowID {
		return DefaultFlow(), true
	}
	return Flow{}, false
}

// Choose picks a recording's flow: the room's own, else the first whose match holds, else the default.
func (f Flows) Choose(r Recording) Flow {
	for _, room := range []int64{r.RoomID, r.ShortID} {
		if own, ok := f.Flow(f.Rooms[strconv.FormatInt(room, 10)]); ok && room != 0 {
			return own
		}
	}
	for _, x := range f.Flows {
		if x.Takes(r) {
			return x
		}
	}
	x, _ := f.Flow(DefaultFlowID)
	return x
}

// flowsFresh is how long a process may go on with flows that another one has changed since.
const flowsFresh = time.Second

type flowCache struct {
	reading sync.Mutex // held by the one that reads anew: hundreds at once would take all of Redis's connections

	mu     sync.Mutex
	flows  Flows
	doc    string
	readAt time.Time
	pins   map[string]Flow
}

func (c *flowCache) pinned(key string) (Flow, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.pins[key]
	return f, ok
}

func (c *flowCache) pin(key string, f Flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pins == nil || len(c.pins) > 1000 {
		c.pins = map[string]Flow{}
	}
	c.pins[key] = f
}

// Flows returns all flows; they may be a second old when another process changes them.
func (s *Store) Flows(ctx context.Context) (Flows, error) {
	if f, ok := s.flows.fresh(); ok {
		return f, nil
	}
	s.flows.reading.Lock()
	defer s.flows.reading.Unlock()
	if f, ok := s.flows.fresh(); ok {
		return f, nil
	}
	f, _, err := s.readFlows(ctx)
	return f, err
}

func (c *flowCache) fresh() (Flows, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flows, time.Since(c.readAt) < flowsFresh
}

func (s *Store) readFlows(ctx context.Context) (Flows, string, error) {
	doc, err := s.rdb.Get(ctx, keyFlows).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Flows{}, "", fmt.Errorf("redis: read flows: %w", err)
	}
	var f Flows
	if doc != "" {
		if err := json.Unmarshal([]byte(doc), &f); err != nil {
			return Flows{}, "", fmt.Errorf("the flows in Redis are not readable: %w", err)
		}
	}
	s.flows.mu.Lock()
	defer s.flows.mu.Unlock()
	s.flows.flows, s.flows.doc, s.flows.readAt = f, doc, time.Now()
	return f, doc, nil
}

// swapScript writes a value only when it is still the one that was read.
const swapScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

// ChangeFlows reads the flows, lets change work on them and writes them back; it tries again when somebody else wrote
// meanwhile. An error from change is returned as it is and nothing is written.
func (s *Store) ChangeFlows(ctx context.Context, change func(*Flows) error) error {
	for range maxTries {
		_, doc, err := s.readFlows(ctx)
		if err != nil {
			return err
		}
		var next Flows
		if doc != "" {
			_ = json.Unmarshal([]byte(doc), &next) // a copy: the cache shares its own
		}
		if err := change(&next); err != nil {
			return err
		}
		b, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("flows: %w", err)
		}
		swapped, err := redis.NewScript(swapScript).Run(ctx, s.rdb, []string{keyFlows}, doc, b).Int()
		if err != nil {
			return fmt.Errorf("redis: write flows: %w", err)
		}
		if swapped == 1 {
			_, _, err = s.readFlows(ctx)
			return err
		}
	}
	return ErrConflict
}

package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

func keyNode(node string) string { return keyPrefix + "node:" + node }

// silence is how long the former owner of a node's name must have been silent after the machine was started again.
const silence = 15 * time.Second

// Owner says who holds a node's name: an installation (its DATA_DIR) on a machine since its last boot.
type Owner struct {
	Install string
	Boot    string
}

// NodeInfo is what a worker tells the others about its node; it carries no secret.
type NodeInfo struct {
	Name       string    `json:"name"`
	Host       string    `json:"host,omitempty"`
	Version    string    `json:"version,omitempty"`
	BeatAt     time.Time `json:"beat_at,omitzero"`
	Alive      bool      `json:"alive"`
	Recordings string    `json:"recordings_dir,omitempty"`
	Output     string    `json:"output_dir,omitempty"`
	Defaults   Defaults  `json:"defaults"`
	Encoders   []string  `json:"encoders,omitempty"`
	Targets    []string  `json:"targets,omitempty"`
	BaiduApp   bool      `json:"baidu_app,omitempty" doc:"It has an application of Baidu's, so accounts can log in through it"`
	Channels   []Channel `json:"channels,omitempty"`
	PathMaps   []PathMap `json:"path_maps,omitempty" doc:"Folders as its recorder names them, and as the node does"`
	Warnings   []string  `json:"warnings,omitempty"`
	Beat       *Event    `json:"heartbeat,omitempty"`

	Recorder *RecorderInfo `json:"recorder,omitempty" doc:"The node's recorder; absent when it has none"`
}

// RecorderInfo is how it stands with a node's recorder.
type RecorderInfo struct {
	Address string    `json:"address"`
	Own     bool      `json:"own" doc:"NGlive runs it; otherwise it runs by itself"`
	Up      bool      `json:"up" doc:"Its API answers"`
	Since   time.Time `json:"since,omitzero" doc:"Since when it is up, or is not"`
	Version string    `json:"version,omitempty"`
	Hooked  bool      `json:"hooked" doc:"It posts its events here"`
	Trouble string    `json:"trouble,omitempty" doc:"For people"`
}

// Channel is a place to notify, without its address.
type Channel struct {
	Name   string   `json:"name"`
	Host   string   `json:"host,omitempty" doc:"Where it goes, without path or secret"`
	Events []string `json:"events" doc:"The events it wants; 'errors' stands for all that failed for good, '*' for every event"`
}

// deadAfter is how long a node may be silent before it counts as down.
const deadAfter = 60 * time.Second

// TakenError says that somebody else holds the node's name.
type TakenError struct {
	Node  string
	Since time.Duration // since the owner was last heard of
	Same  bool          // it is this installation, before the machine was started again
}

// Error says what to do.
func (e *TakenError) Error() string {
	if e.Same {
		return fmt.Sprintf("node %q was alive %s ago, before this machine was started again; waiting until it is surely gone", e.Node, e.Since.Round(time.Second))
	}
	return fmt.Sprintf("the node name %q belongs to another installation (last heard of %s ago). Choose another NGLIVE_NODE, or, if "+
		"that installation is gone for good, start once with --take-over", e.Node, e.Since.Round(time.Second))
}

// claimScript answers {verdict, ms since the owner's last beat}.
const claimScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local o = redis.call('HMGET', KEYS[1], 'install', 'boot', 'beat')
local age = now - tonumber(o[3] or 0)
if o[1] and o[1] ~= ARGV[1] and ARGV[4] ~= '1' then return {'other', age} end
if o[1] == ARGV[1] and o[2] ~= ARGV[2] and age < tonumber(ARGV[3]) and ARGV[4] ~= '1' then return {'booted', age} end
redis.call('HSET', KEYS[1], 'install', ARGV[1], 'boot', ARGV[2], 'beat', now)
redis.call('SADD', KEYS[2], ARGV[5])
return {'ok', age}`

// Claim takes a node's name for an owner. The same installation since the same boot takes it at once (its journal's lock keeps
// a second process out); after another boot it takes it once the name was silent for 15 s; another installation only with
// takeOver. The error is a *TakenError when the name is held.
func (s *Store) Claim(ctx context.Context, node string, o Owner, takeOver bool) error {
	force := "0"
	if takeOver {
		force = "1"
	}
	out, err := redis.NewScript(claimScript).Run(ctx, s.rdb, []string{keyNode(node), keyNodes},
		o.Install, o.Boot, silence.Milliseconds(), force, node).Slice()
	if err != nil {
		return fmt.Errorf("redis: claim node %s: %w", node, err)
	}
	verdict, _ := out[0].(string)
	age, _ := out[1].(int64)
	if verdict == "ok" {
		return nil
	}
	return &TakenError{Node: node, Since: time.Duration(age) * time.Millisecond, Same: verdict == "booted"}
}

// ErrNodeLost says that another installation took the node's name over.
var ErrNodeLost = errors.New("another installation took this node's name over; this worker stops, so that no recording is worked on twice")

const beatScript = `
if redis.call('HGET', KEYS[1], 'install') ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'beat', t[1] * 1000 + math.floor(t[2] / 1000), 'info', ARGV[2])
return 1`

// Beat renews the claim and what the others know of the node; ErrNodeLost when it is another's now.
func (s *Store) Beat(ctx context.Context, o Owner, n NodeInfo) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	mine, err := redis.NewScript(beatScript).Run(ctx, s.rdb, []string{keyNode(n.Name)}, o.Install, b).Int()
	if err != nil {
		return fmt.Errorf("redis: beat of node %s: %w", n.Name, err)
	}
	if mine == 0 {
		// Redis lost its data, or the name was taken: the claim tells which.
		err := s.Claim(ctx, n.Name, o, false)
		if _, taken := errors.AsType[*TakenError](err); taken {
			return ErrNodeLost
		}
		return err
	}
	return nil
}

// Node returns what is known of one node and whether there is one of that name.
func (s *Store) Node(ctx context.Context, name string) (NodeInfo, bool, error) {
	pipe := s.rdb.Pipeline()
	known, clock := pipe.HMGet(ctx, keyNode(name), "beat", "info"), pipe.Time(ctx) // one clock for all: Redis' own
	if _, err := pipe.Exec(ctx); err != nil {
		return NodeInfo{}, false, fmt.Errorf("redis: read node %s: %w", name, err)
	}
	m := known.Val()
	beat, ok := m[0].(string)
	if !ok {
		return NodeInfo{}, false, nil
	}
	n := NodeInfo{Name: name}
	if info, ok := m[1].(string); ok {
		if err := json.Unmarshal([]byte(info), &n); err != nil {
			return n, true, fmt.Errorf("node %s: %w", name, err)
		}
	}
	var ms int64
	_, _ = fmt.Sscan(beat, &ms)
	n.BeatAt = At(time.UnixMilli(ms))
	n.Alive = clock.Val().Sub(n.BeatAt) < deadAfter
	return n, true, nil
}

// Nodes returns every node known, by name.
func (s *Store) Nodes(ctx context.Context) ([]NodeInfo, error) {
	names, err := s.rdb.SMembers(ctx, keyNodes).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list nodes: %w", err)
	}
	nodes := make([]NodeInfo, 0, len(names))
	for _, name := range names {
		n, ok, err := s.Node(ctx, name)
		if err != nil {
			return nil, err
		}
		if ok {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

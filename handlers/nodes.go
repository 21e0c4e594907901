package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// nodesFresh is how old a node's own settings may be when a recording takes them.
const nodesFresh = time.Second

// nodeCache spares the webhook a look at Redis: nodes and their resolved flows, for a second.
type nodeCache struct {
	reading sync.Mutex // held by the one that reads anew: hundreds at once would take all of Redis's connections

	mu    sync.Mutex
	known map[string]knownNode
}

type knownNode struct {
	info   tasks.NodeInfo
	readAt time.Time
	flows  map[flowVersion]tasks.Flow
}

type flowVersion struct {
	id      string
	version int
}

func (c *nodeCache) get(name string) (knownNode, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[name]
	return k, ok && time.Since(k.readAt) < nodesFresh
}

func (c *nodeCache) put(name string, info tasks.NodeInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]knownNode{}
	}
	c.known[name] = knownNode{info: info, readAt: time.Now(), flows: map[flowVersion]tasks.Flow{}}
}

// resolved fills a flow in with the node's settings, once a second for each version.
func (c *nodeCache) resolved(f tasks.Flow, n tasks.NodeInfo) tasks.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := flowVersion{f.ID, f.Version}
	k, ok := c.known[n.Name]
	if !ok {
		return f.Resolve(n.Defaults)
	}
	if done, ok := k.flows[key]; ok {
		return done
	}
	k.flows[key] = f.Resolve(k.info.Defaults)
	return k.flows[key]
}

// node returns what a node tells about itself, and whether there is one of that name. The own node is known from the start,
// before its worker ever ran. Unknown names are not remembered: they cost memory and who sends them decides how many.
func (h *handlers) node(ctx context.Context, name string) (tasks.NodeInfo, bool, error) {
	if k, ok := h.nodes.get(name); ok {
		return k.info, true, nil
	}
	if name == "" || len(name) > longestNode {
		return tasks.NodeInfo{}, false, nil
	}
	h.nodes.reading.Lock()
	defer h.nodes.reading.Unlock()
	if k, ok := h.nodes.get(name); ok {
		return k.info, true, nil
	}
	info, known, err := h.Store.Node(ctx, name)
	if err != nil || (!known && name != h.Node) {
		return tasks.NodeInfo{}, false, err
	}
	info.Name = name
	if info.Defaults == (tasks.Defaults{}) {
		info.Defaults = h.Defaults
	}
	if info.Recordings == "" && name == h.Node {
		info.Recordings, info.PathMaps = h.Recordings, h.PathMaps
	}
	h.nodes.put(name, info)
	return info, true, nil
}

// longestNode is what a node's name may have, as the settings say.
const longestNode = 64

// flowFor chooses a recording's flow and fills it in with its node's settings.
func (h *handlers) flowFor(ctx context.Context, r tasks.Recording, n tasks.NodeInfo) (tasks.Flow, error) {
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return tasks.Flow{}, err
	}
	return h.nodes.resolved(flows.Choose(r), n), nil
}

type nodesOutput struct {
	Body struct {
		Nodes []tasks.NodeInfo `json:"nodes" nullable:"false"`
	}
}

func (h *handlers) listNodes(ctx context.Context, _ *struct{}) (*nodesOutput, error) {
	nodes, err := h.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	out := &nodesOutput{}
	out.Body.Nodes = nodes
	return out, nil
}

func (h *handlers) allNodes(ctx context.Context) ([]tasks.NodeInfo, error) {
	nodes, err := h.Store.Nodes(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	slices.SortFunc(nodes, func(a, b tasks.NodeInfo) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

type target struct {
	Name  string   `json:"name"`
	Nodes []string `json:"nodes" nullable:"false" doc:"Nodes that can upload to it"`
}

type targetsOutput struct {
	Body struct {
		Targets []target `json:"targets" nullable:"false"`
	}
}

func (h *handlers) listTargets(ctx context.Context, _ *struct{}) (*targetsOutput, error) {
	nodes, err := h.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	out := &targetsOutput{}
	out.Body.Targets = []target{}
	for _, n := range nodes {
		for _, name := range n.Targets {
			i := slices.IndexFunc(out.Body.Targets, func(t target) bool { return t.Name == name })
			if i < 0 {
				i = len(out.Body.Targets)
				out.Body.Targets = append(out.Body.Targets, target{Name: name})
			}
			out.Body.Targets[i].Nodes = append(out.Body.Targets[i].Nodes, n.Name)
		}
	}
	return out, nil
}

type channelEntry struct {
	tasks.Channel
	Nodes []string `json:"nodes" nullable:"false" doc:"Nodes that can notify it"`
}

type channelsOutput struct {
	Body struct {
		Channels []channelEntry `json:"channels" nullable:"false"`
	}
}

func (h *handlers) listChannels(ctx context.Context, _ *struct{}) (*channelsOutput, error) {
	nodes, err := h.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	out := &channelsOutput{}
	out.Body.Channels = channelsOf(nodes)
	return out, nil
}

func channelsOf(nodes []tasks.NodeInfo) []channelEntry {
	all := []channelEntry{}
	for _, n := range nodes {
		for _, c := range n.Channels {
			i := slices.IndexFunc(all, func(x channelEntry) bool { return x.Name == c.Name })
			if i < 0 {
				i = len(all)
				all = append(all, channelEntry{Channel: c})
			}
			all[i].Nodes = append(all[i].Nodes, n.Name)
		}
	}
	return all
}

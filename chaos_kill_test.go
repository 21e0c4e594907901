//go:build chaos && linux

package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// atRandom is where a process dies that no failpoint ends.
const atRandom = "at random"

// tally counts what was survived.
type tally struct {
	mu       sync.Mutex
	kills    map[component]map[string]int
	resumed  []time.Duration
	faults   []string
	stops    int // of Redis
	fills    int // of the output disk
	restarts int // of everything, in peace
}

func (y *tally) kill(c component, where string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.kills[c] == nil {
		y.kills[c] = map[string]int{}
	}
	y.kills[c][where]++
}

func (y *tally) fault(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.faults = append(y.faults, fmt.Sprintf(format, args...))
}

func (y *tally) add(count *int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	*count++
}

func (y *tally) total() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := 0
	for _, at := range y.kills {
		for _, times := range at {
			n += times
		}
	}
	return n
}

// killer ends processes, at random and at points, and starts them again. What it does follows from the seed.
type killer struct {
	*tally
	sys    *system
	plan   *plan
	disk   fullDisk
	points map[component][]string

	mu     sync.Mutex
	pulled map[*process]string // ended on purpose together with others
}

func newKiller(t *testing.T, s *system, p *plan, disk fullDisk) *killer {
	t.Helper()
	return &killer{
		tally: &tally{kills: map[component]map[string]int{}}, sys: s, plan: p, disk: disk,
		points: failpoints(t), pulled: map[*process]string{},
	}
}

// failpoints are the points that the source names, by the component that reaches them.
func failpoints(t *testing.T) map[component][]string {
	t.Helper()
	rule := regexp.MustCompile(`Failpoint\("([a-z.]+)"\)`)
	points := map[component]map[string]bool{theWeb: {}, theWorker: {}}
	for dir, reach := range map[string][]component{"handlers": {theWeb}, "worker": {theWorker}, "tasks": {theWeb, theWorker}} {
		for _, file := range must(filepath.Glob(filepath.Join(dir, "*.go"))) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range rule.FindAllStringSubmatch(string(must(os.ReadFile(file))), -1) {
				for _, c := range reach {
					points[c][m[1]] = true
				}
			}
		}
	}
	for _, command := range []string{"evalsha", "pipeline", "sadd"} { // Asynq's own writes are among them
		for c := range points {
			points[c]["redis."+command+".before"], points[c]["redis."+command+".after"] = true, true
		}
	}
	sorted := map[component][]string{}
	for c, names := range points {
		sorted[c] = slices.Sorted(maps.Keys(names))
	}
	sorted[otherWeb] = sorted[theWeb]
	if len(sorted[theWorker]) < 20 || len(sorted[theWeb]) < 8 {
		t.Fatalf("the source names too few failpoints: %v", sorted)
	}
	return sorted
}

// life is how one life of a component is to end.
type life struct {
	point  string // "" = at random
	n      int
	quiet  time.Duration // before the point counts
	unborn bool          // it ends while it starts
	length time.Duration // the end at the latest, since it woke up
	down   time.Duration // until the next life
}

func (l life) environ(awake string) []string {
	list := []string{"FAILPOINT_AWAKE=" + awake}
	if l.point != "" {
		list = append(list, fmt.Sprintf("FAILPOINT=%s:%d:%s", l.point, l.n, l.quiet))
	}
	return list
}

func (k *killer) life(r *rand.Rand, c component) life {
	l := life{length: time.Second + rand2(r, 6*time.Second), down: rand2(r, 1200*time.Millisecond)}
	if l.unborn = c != theRedis && r.IntN(12) == 0; l.unborn {
		l.length /= 4
	}
	if c == theRedis {
		l.length += 4*time.Second + rand2(r, k.plan.scale.play/40)
		return l
	}
	points := k.points[c]
	if i := r.IntN(len(points) + len(points)/2); i < len(points) {
		l.point, l.n, l.quiet = points[i], 1+r.IntN(4), time.Second+rand2(r, 3*time.Second)
		if atTheStart(l.point) {
			l.n, l.quiet = 1, 0
		}
		l.length = l.quiet + 5*time.Second
	}
	return l
}

// atTheStart are the points that a worker reaches only while it starts.
func atTheStart(point string) bool {
	return strings.HasPrefix(point, "reclaim.") || strings.HasPrefix(point, "journal.forget.")
}

// keep lets a component live and die until ctx ends.
func (k *killer) keep(ctx context.Context, c component) {
	r := draws(k.plan.seed, "lives of "+string(c))
	for ctx.Err() == nil {
		l := k.life(r, c)
		var unfinished map[string][]string
		if c == theWorker {
			unfinished = k.unfinished(ctx)
		}
		awake := k.sys.awake(c)
		_ = os.Remove(awake)
		p := k.sys.start(c, l.environ(awake)...)
		if len(unfinished) > 0 {
			go k.watchResume(ctx, p, unfinished)
		}
		if c != theRedis && !l.unborn {
			k.wakes(ctx, p, awake)
		}
		k.outlive(ctx, c, p, l, r)
		pause(ctx, l.down)
	}
}

// wakes waits until a process reached its first point. One that waits for Redis does not wake up, and need not.
func (k *killer) wakes(ctx context.Context, p *process, awake string) {
	for time.Since(p.began) < 20*time.Second && !p.ended() && pause(ctx, 10*time.Millisecond) {
		if _, err := os.Stat(awake); err == nil {
			return
		}
	}
}

// outlive sees a life to its end.
func (k *killer) outlive(ctx context.Context, c component, p *process, l life, r *rand.Rand) {
	if c == theRedis && r.IntN(3) == 0 {
		k.freeze(ctx, p, l.length, time.Second+rand2(r, 4*time.Second))
	}
	where := atRandom
	select {
	case <-ctx.Done():
		return // the last life goes on
	case <-time.After(l.length):
		p.signal(syscall.SIGKILL)
		<-p.gone
	case <-p.gone:
		where = l.point
	}
	k.mu.Lock()
	pulled, together := k.pulled[p]
	k.mu.Unlock()
	switch {
	case together && pulled == "":
	case together:
		k.kill(c, pulled)
	case p.killedBy(syscall.SIGKILL) && where != "":
		k.kill(c, where)
	default:
		k.fault("%s ended by itself (%v):\n%s", c, p.err, k.sys.lastWords(c, 12))
	}
}

// freeze stops Redis for a while: it keeps its connections and answers nothing.
func (k *killer) freeze(ctx context.Context, p *process, after, still time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-p.gone:
		return
	case <-time.After(after / 2):
	}
	p.signal(syscall.SIGSTOP)
	k.add(&k.stops)
	pause(ctx, still)
	p.signal(syscall.SIGCONT)
}

// hunt ends ffmpeg and ffprobe while they work for the worker.
func (k *killer) hunt(ctx context.Context) {
	r := draws(k.plan.seed, "hunt")
	for pause(ctx, 2*time.Second+rand2(r, 5*time.Second)) {
		grace := rand2(r, 60*time.Millisecond)
		for end := time.Now().Add(6 * time.Second); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, 3*time.Millisecond) {
			pid := k.ffmpeg()
			if pid == 0 {
				continue
			}
			pause(ctx, grace)
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				k.kill(theFFmpeg, atRandom)
				break
			}
		}
	}
}

// ffmpeg is a child of the worker that looks at or makes a video, or 0.
func (k *killer) ffmpeg() int {
	p := k.sys.current(theWorker)
	if p == nil {
		return 0
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for pid := range strings.FieldsSeq(string(text)) {
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			if strings.HasPrefix(string(name), "ff") {
				var n int
				_, _ = fmt.Sscan(pid, &n)
				return n
			}
		}
	}
	return 0
}

// shake restarts everything at once, in peace and without, in turn.
func (k *killer) shake(ctx context.Context) {
	r := draws(k.plan.seed, "shake")
	every := k.plan.scale.play / time.Duration(k.plan.scale.restarts+1)
	for n := range k.plan.scale.restarts {
		if !pause(ctx, every/2+rand2(r, every)) {
			return
		}
		how, where := syscall.SIGTERM, ""
		if n%2 == 1 {
			how, where = syscall.SIGKILL, "all at once"
		}
		k.pullAll(how, where)
	}
}

func (k *killer) pullAll(how syscall.Signal, where string) {
	var all []*process
	for _, c := range k.sys.components() {
		p := k.sys.current(c)
		if p == nil {
			continue
		}
		k.mu.Lock()
		k.pulled[p] = where
		k.mu.Unlock()
		p.signal(syscall.SIGCONT)
		p.signal(how)
		all = append(all, p)
	}
	if how == syscall.SIGTERM {
		k.add(&k.restarts)
	}
	for _, p := range all {
		<-p.gone
	}
}

// fill makes the output disk full for some seconds at a time.
func (k *killer) fill(ctx context.Context) {
	r := draws(k.plan.seed, "disk")
	for pause(ctx, k.plan.scale.play/24+rand2(r, k.plan.scale.play/12)) {
		if err := k.disk.fill(int64(r.IntN(3)) * 150 << 10); err != nil {
			k.fault("fill the disk: %v", err)
			return
		}
		k.add(&k.fills)
		pause(ctx, time.Second+rand2(r, 4*time.Second))
		k.disk.free()
	}
}

// unfinished are the tasks that Redis still calls active in this node's own queues, while no worker runs.
func (k *killer) unfinished(ctx context.Context) map[string][]string {
	ctx, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	found := map[string][]string{}
	for _, queue := range tasks.NodeQueues(chaosNode) {
		if queue == tasks.QueueNotify {
			continue
		}
		ids, err := k.sys.rdb.LRange(ctx, "asynq:{"+queue+"}:active", 0, -1).Result()
		if err == nil && len(ids) > 0 {
			found[queue] = ids
		}
	}
	return found
}

// watchResume measures from the worker's start to the moment that the first of its unfinished tasks is at work again.
func (k *killer) watchResume(ctx context.Context, p *process, unfinished map[string][]string) {
	waited := map[string]bool{}
	for time.Since(p.began) < 30*time.Second && !p.ended() && pause(ctx, 10*time.Millisecond) {
		for queue, ids := range unfinished {
			for _, id := range ids {
				state, err := k.sys.rdb.HGet(ctx, "asynq:{"+queue+"}:t:"+id, "state").Result()
				switch {
				case err != nil: // Redis is away again, or the task is done and gone
				case state == "pending":
					waited[id] = true
				case state != "active" || waited[id]:
					k.tally.mu.Lock()
					k.resumed = append(k.resumed, time.Since(p.began))
					k.tally.mu.Unlock()
					return
				}
			}
		}
	}
}

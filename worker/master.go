package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
)

// masterPace is how long things on the link to a master take.
type masterPace struct {
	ping   time.Duration // how often the master is asked whether it has everything
	silent time.Duration // a master that says nothing for so long is gone
	write  time.Duration
	first  time.Duration // the first pause before dialling again
	most   time.Duration // the longest one
}

func standardMasterPace() masterPace {
	return masterPace{ping: 5 * time.Second, silent: 20 * time.Second, write: 10 * time.Second, first: time.Second, most: 30 * time.Second}
}

// master is the reverse WebSocket: this node dials its master and sends what concerns this node, as the original did. A WebSocket
// ping carries the number of the last event that was sent; the pong brings it back, whatever the master is made of, and is the
// proof that everything up to it arrived. What is behind the last proof is sent again after the next dial.
type master struct {
	address string
	node    string
	version string
	store   *tasks.Store
	journal *journal
	desk    tasks.SeedDesk
	log     *slog.Logger
	pace    masterPace
	beats   chan []byte // the newest heartbeat; it does not wait for Redis
}

// roomWithin is how long a master's command waits for the recorder before it is answered with 5002.
const roomWithin = 20 * time.Second

func (w *Worker) newMaster() *master {
	return &master{
		address: w.cfg.ReverseWS, node: w.cfg.Node, version: w.cfg.Version, store: w.store, log: w.log,
		pace: standardMasterPace(), beats: make(chan []byte, 1),
		desk: tasks.SeedDesk{Store: w.store, Queue: w.queue, Node: w.cfg.Node, Within: roomWithin},
	}
}

// beat hands a heartbeat on. Only the newest one is worth sending.
func (m *master) beat(e tasks.Event) {
	if m == nil || m.address == "" {
		return
	}
	b, err := json.Marshal(e)
	if err != nil {
		return
	}
	select {
	case <-m.beats:
	default:
	}
	select {
	case m.beats <- b:
	default:
	}
}

// run dials for ever, unless no master is set.
func (m *master) run(ctx context.Context) error {
	if m.address == "" {
		return nil
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	said := ""
	for wait := m.pace.first; ctx.Err() == nil; wait = min(2*wait, m.pace.most) {
		proved, err := m.connect(ctx)
		if proved {
			wait, said = m.pace.first, ""
		}
		if ctx.Err() != nil {
			break
		}
		if why := err.Error(); why != said {
			said = why
			m.log.Warn("no link to the master; what happens meanwhile is sent later", "master", m.host(), "error", why)
		}
		pause(ctx, wait/2+rand.N(wait))
	}
	return ctx.Err()
}

// begin starts with what happens from now on: a master that is set today does not get the last week's news.
func (m *master) begin(ctx context.Context) error {
	cursor, err := m.journal.mark(m.mark())
	if err != nil || cursor != "" {
		return err
	}
	newest, err := m.store.LastSeq(ctx)
	if err != nil {
		return err
	}
	return m.journal.setMark(m.mark(), newest)
}

// mark names this master in the journal. Its query is left out: that is where the token is, and tokens change.
func (m *master) mark() string {
	u, err := url.Parse(m.address)
	if err != nil {
		return "master"
	}
	sum := sha256.Sum256([]byte(u.Scheme + "://" + u.Host + u.Path))
	return "master-" + hex.EncodeToString(sum[:6])
}

func (m *master) host() string {
	u, err := url.Parse(m.address)
	if err != nil {
		return ""
	}
	return u.Host
}

// connect lives one connection. It reports whether the master proved that it is there.
func (m *master) connect(ctx context.Context) (proved bool, err error) {
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: m.pace.write}
	conn, answer, err := dialer.DialContext(ctx, m.address, http.Header{"User-Agent": {"NGlive"}})
	if answer != nil && answer.Body != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return false, dialFault(err, answer)
	}
	cursor, err := m.journal.mark(m.mark())
	if err != nil {
		return false, errors.Join(err, conn.Close())
	}
	m.log.Info("linked to the master", "master", m.host(), "since", cursor)
	l := newMasterLink(m, conn, cursor)
	err = l.serve(ctx)
	return l.proved.Load(), err
}

// dialFault says why nobody could be reached, without the address: it has the token.
func dialFault(err error, answer *http.Response) error {
	if errors.Is(err, websocket.ErrBadHandshake) && answer != nil {
		return fmt.Errorf("it answered %d instead of opening a WebSocket; look at the path and the token in NGLIVE_REVERSE_WS_URL", answer.StatusCode)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("it cannot be reached: %w", err)
}

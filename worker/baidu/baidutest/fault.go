package baidutest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Action is what goes wrong.
type Action string

// What may go wrong. Before the request is looked at:
const (
	Status Action = "status"         // answer HTTP Status, with the body such a one has: 500 empty, 502 and 504 HTML, 429 JSON
	Errno  Action = "errno"          // refuse with Errno, in the endpoint's own shape
	Reset  Action = "reset"          // cut the connection after Bytes bytes of the body, at once when 0
	Hang   Action = "hang"           // read nothing and answer nothing
	Drip   Action = "drip"           // read Rate bytes a second
	Expire Action = "expire-session" // the uploadid dies
)

// To what is answered, after it was done:
const (
	LoseAnswer    Action = "lose-answer" // cut the connection instead of answering: the slice is stored, the file created
	Slow          Action = "slow"        // answer after Delay
	Truncate      Action = "truncate"    // half of the JSON
	EmptyBody     Action = "empty"       // HTTP 200 and nothing
	EmptyObject   Action = "empty-object"
	NoMD5         Action = "no-md5"
	CorruptStored Action = "corrupt-stored" // what is stored, and so its md5, is not what was sent
	CorruptAnswer Action = "corrupt-answer" // stored as sent, the md5 in the answer is wrong
	CorruptQuiet  Action = "corrupt-quiet"  // stored wrongly, answered as sent: only the created file shows it
	LoseBlock     Action = "lose-block"     // accepted; create misses it, precreate lists it
	LoseQuiet     Action = "lose-quiet"     // accepted; create misses it, precreate does not know of it
	EatRefresh    Action = "eat-refresh"    // the refresh token is spent, the answer is HTTP 500
	Ghost         Action = "ghost"          // create succeeds, and the file has 0 bytes
	NoSuchHost    Action = "no-such-host"   // locateupload names a host whose name does not resolve
)

// To the account or the host, then the request goes on:
const (
	ExpireTokens  Action = "expire-tokens"
	RevokeTokens  Action = "revoke-tokens"
	RevokeCookies Action = "revoke-cookies"
	ShrinkQuota   Action = "quota" // to Bytes
	ChangeTier    Action = "tier"  // to Errno, 0 to 2
	HostDies      Action = "host-dies"
	HostReturns   Action = "host-returns" // every host
)

// Duration reads "1.5s" from a script.
type Duration struct{ time.Duration }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a delay is text, as in \"1.5s\": %w", err)
	}
	var err error
	d.Duration, err = time.ParseDuration(text)
	return err
}

// Rule makes some requests go wrong. All that is set must hold; the first rule that holds acts.
type Rule struct {
	Endpoint string `json:"endpoint,omitempty"`
	Parts    []int  `json:"parts,omitempty"` // partseq
	Name     string `json:"name,omitempty"`  // the path's end
	Host     string `json:"host,omitempty"`  // a part of its name
	// Of the requests that match: the Nth one (from 1), every Every-th, or each with Probability. Times ends it, 0 never does.
	Nth         int     `json:"nth,omitempty"`
	Every       int     `json:"every,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	Times       int     `json:"times,omitempty"`

	Action Action   `json:"action"`
	Status int      `json:"status,omitempty"`
	Errno  int      `json:"errno,omitempty"`
	Text   string   `json:"text,omitempty"`
	Bytes  int64    `json:"bytes,omitempty"`
	Rate   int64    `json:"rate,omitempty"`
	Delay  Duration `json:"delay,omitzero"`
}

// Script reads rules from JSON, an array, and refuses what it does not know.
func Script(in io.Reader) ([]Rule, error) {
	var rules []Rule
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, fmt.Errorf("reading the fault script: %w", err)
	}
	for i, r := range rules {
		if r.Endpoint != "" && !slices.Contains(Endpoints(), r.Endpoint) {
			return nil, fmt.Errorf("rule %d of the fault script: there is no endpoint %q; there are %v", i+1, r.Endpoint, Endpoints())
		}
		if !slices.Contains(Actions(), r.Action) {
			return nil, fmt.Errorf("rule %d of the fault script: there is no action %q; there are %v", i+1, r.Action, Actions())
		}
	}
	return rules, nil
}

// Actions are all that may go wrong.
func Actions() []Action {
	return []Action{
		Status, Errno, Reset, Hang, Drip, Expire, LoseAnswer, Slow, Truncate, EmptyBody, EmptyObject, NoMD5, CorruptStored, CorruptAnswer,
		CorruptQuiet, LoseBlock, LoseQuiet, EatRefresh, Ghost, NoSuchHost, ExpireTokens, RevokeTokens, RevokeCookies, ShrinkQuota, ChangeTier,
		HostDies, HostReturns,
	}
}

// script decides which requests go wrong. The same seed and the same requests, in whatever order the slices come, go wrong alike.
type script struct {
	mu    sync.Mutex
	seed  uint64
	rules []*ruleState
}

type ruleState struct {
	Rule
	matched, acted int
	perPart        map[int]uint64
}

// fault is a rule at work on one request.
type fault struct{ Rule }

func newScript(seed uint64, rules []Rule) *script {
	s := &script{seed: seed}
	s.add(rules)
	return s
}

func (s *script) add(rules []Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rules {
		s.rules = append(s.rules, &ruleState{Rule: r, perPart: map[int]uint64{}})
	}
}

// Fault adds rules to the script.
func (s *Server) Fault(rules ...Rule) { s.faults.add(rules) }

// pick finds what goes wrong with a request, if anything does.
func (s *script) pick(endpoint, host, path string, part int) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.rules {
		if r.Endpoint != "" && r.Endpoint != endpoint || r.Host != "" && !strings.Contains(host, r.Host) ||
			r.Name != "" && !strings.HasSuffix(path, r.Name) || r.Parts != nil && !slices.Contains(r.Parts, part) {
			continue
		}
		r.matched++
		r.perPart[part]++
		if r.acts(s.seed, uint64(i), part) {
			r.acted++
			return &fault{r.Rule}
		}
	}
	return nil
}

// acts says whether the rule acts on the request it was just matched with. Chance depends on the slice and how often it came, not on
// the order between slices.
func (r *ruleState) acts(seed, index uint64, part int) bool {
	switch {
	case r.Times > 0 && r.acted >= r.Times, r.Nth > 0 && r.matched != r.Nth, r.Every > 0 && r.matched%r.Every != 0:
		return false
	case r.Probability > 0:
		return float64(mix(seed, index, uint64(part+1), r.perPart[part])>>11)/(1<<53) < r.Probability
	}
	return true
}

// misbehave does what goes wrong before the request is looked at, and says whether it goes on.
func (c *call) misbehave(e endpoint) bool {
	if c.s.isDown(c.host) {
		c.reset()
		return false
	}
	path, part := c.query.Get("path"), -1
	if c.endpoint == SuperFile2 {
		part = atoi(c.query.Get("partseq"))
	} else if c.r.Method == http.MethodPost && !e.body && c.readForm() == nil {
		path = c.form.Get("path")
	}
	c.part = part
	f := c.s.faults.pick(c.endpoint, c.host, path, part)
	c.fault = f
	if f == nil {
		return true
	}
	c.afflict(f)
	switch f.Action {
	case Status:
		c.drain()
		c.answerStatus(f.Status)
	case Errno:
		c.drain()
		c.refuse(c.oddly(f))
	case Reset:
		_, _ = io.CopyN(io.Discard, c.r.Body, f.Bytes)
		c.note(f.Bytes)
		c.reset()
	case Hang:
		<-c.s.drop
		c.reset()
	default:
		return true
	}
	return false
}

// oddly is the refusal that the script wants, in the endpoint's shape.
func (c *call) oddly(f *fault) *refusal {
	word := f.Text
	if c.family == oauth && word == "" {
		word = "invalid_grant"
	}
	return &refusal{code: f.Errno, text: f.Text, word: word, status: f.Status}
}

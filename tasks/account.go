package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	keyAccounts = keyPrefix + "baidu:accounts" // a hash: account → Account
	keyLogins   = keyPrefix + "baidu:logins"   // a hash: account → Login
)

// States of an account.
const (
	AccountReady   = "ready"
	AccountNoLogin = "no-login" // a person must log in
	AccountStopped = "stopped"  // its uploads wait; the reason says for what
)

// Account is what everybody with the token may know of an account of Baidu Netdisk. It carries no secret.
type Account struct {
	Name       string    `json:"name"`
	Target     string    `json:"target" doc:"What a flow's upload step names"`
	Mode       string    `json:"mode" enum:"oauth,cookie"`
	State      string    `json:"state" enum:"ready,no-login,stopped"`
	Reason     string    `json:"reason,omitempty" doc:"Why it is not ready, and what to do"`
	StoppedAt  time.Time `json:"stopped_at,omitzero" doc:"Since when its uploads wait, if they do"`
	Shares     bool      `json:"shares" doc:"It can make share links (that needs a cookie)"`
	User       string    `json:"user,omitempty"`
	Tier       string    `json:"tier,omitempty" enum:"normal,member,svip"`
	MaxBytes   int64     `json:"max_file_bytes,omitempty" doc:"The largest file its membership takes"`
	TotalBytes int64     `json:"total_bytes,omitempty"`
	UsedBytes  int64     `json:"used_bytes,omitempty"`
	ExpiresAt  time.Time `json:"token_expires_at,omitzero" doc:"When the access token ends; it is renewed before"`
	CheckedAt  time.Time `json:"checked_at,omitzero" doc:"When Baidu was last asked"`
	Node       string    `json:"node,omitempty" doc:"The node that asked"`
}

// States of a login.
const (
	LoginAsked    = "asked"   // no worker has taken it yet
	LoginWaiting  = "waiting" // for the person
	LoginDone     = "done"
	LoginDeclined = "declined"
	LoginExpired  = "expired"
	LoginFailed   = "failed"
)

// Login is one login of an account: a person asks for it, the worker of Node talks to Baidu. The device code itself never leaves
// that worker.
type Login struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Node      string    `json:"node"`
	State     string    `json:"state" enum:"asked,waiting,done,declined,expired,failed"`
	UserCode  string    `json:"user_code,omitempty" doc:"What the person types in"`
	URL       string    `json:"verification_url,omitempty" doc:"Where it is typed in"`
	ScanURL   string    `json:"scan_url,omitempty" doc:"The same page with the code filled in; what the QR code says"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Message   string    `json:"message,omitempty" doc:"For people"`
	AskedAt   time.Time `json:"asked_at"`
}

// Over reports whether nothing more happens to it.
func (l Login) Over() bool { return l.State != LoginAsked && l.State != LoginWaiting }

// ErrNoLogin says that no login of that account is under way.
var ErrNoLogin = errors.New("no login of this account is under way")

// AskLogin begins a login; it takes the place of an earlier one of the account.
func (s *Store) AskLogin(ctx context.Context, l Login) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("login of %s: %w", l.Account, err)
	}
	if err := s.rdb.HSet(ctx, keyLogins, l.Account, b).Err(); err != nil {
		return fmt.Errorf("redis: ask for a login of %s: %w", l.Account, err)
	}
	return nil
}

const loginScript = `
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if not kept or cjson.decode(kept)['id'] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`

// MoveLogin stores how a login stands, unless another one took its place.
func (s *Store) MoveLogin(ctx context.Context, l Login) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("login of %s: %w", l.Account, err)
	}
	moved, err := redis.NewScript(loginScript).Run(ctx, s.rdb, []string{keyLogins}, l.Account, l.ID, b).Int()
	if err != nil {
		return fmt.Errorf("redis: login of %s: %w", l.Account, err)
	}
	if moved == 0 {
		return ErrNoLogin
	}
	return nil
}

// Login returns the newest login of an account, or ErrNoLogin.
func (s *Store) Login(ctx context.Context, account string) (Login, error) {
	var l Login
	b, err := s.rdb.HGet(ctx, keyLogins, account).Bytes()
	if errors.Is(err, redis.Nil) {
		return l, ErrNoLogin
	}
	if err != nil {
		return l, fmt.Errorf("redis: login of %s: %w", account, err)
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("login of %s: %w", account, err)
	}
	return l, nil
}

// Logins returns the newest login of every account.
func (s *Store) Logins(ctx context.Context) ([]Login, error) {
	all, err := s.rdb.HVals(ctx, keyLogins).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list logins: %w", err)
	}
	list := make([]Login, len(all))
	for i, doc := range all {
		if err := json.Unmarshal([]byte(doc), &list[i]); err != nil {
			return nil, fmt.Errorf("logins: %w", err)
		}
	}
	return list, nil
}

// ForgetLogin takes a login off the list.
func (s *Store) ForgetLogin(ctx context.Context, account string) error {
	if err := s.rdb.HDel(ctx, keyLogins, account).Err(); err != nil {
		return fmt.Errorf("redis: login of %s: %w", account, err)
	}
	return nil
}

// PublishAccount tells what a worker knows of an account.
func (s *Store) PublishAccount(ctx context.Context, a Account) error {
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("account %s: %w", a.Name, err)
	}
	if err := s.rdb.HSet(ctx, keyAccounts, a.Name, b).Err(); err != nil {
		return fmt.Errorf("redis: publish account %s: %w", a.Name, err)
	}
	return nil
}

// ForgetAccount takes an account off the list.
func (s *Store) ForgetAccount(ctx context.Context, name string) error {
	if err := s.rdb.HDel(ctx, keyAccounts, name).Err(); err != nil {
		return fmt.Errorf("redis: forget account %s: %w", name, err)
	}
	return nil
}

// Accounts returns every account that a worker told of, in no order, with why its uploads wait if they do.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	all, err := s.rdb.HVals(ctx, keyAccounts).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list accounts: %w", err)
	}
	list := make([]Account, len(all))
	for i, doc := range all {
		if err := json.Unmarshal([]byte(doc), &list[i]); err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		if err := s.stopped(ctx, &list[i]); err != nil {
			return nil, fmt.Errorf("redis: list accounts: %w", err)
		}
	}
	return list, nil
}

// stopped fills in whether the uploads of an account wait. An account that is not ready says why by itself.
func (s *Store) stopped(ctx context.Context, a *Account) error {
	a.StoppedAt = time.Time{}
	stop, err := s.rdb.HMGet(ctx, KeyStop(a.Target), "words", "since").Result()
	if err != nil {
		return err
	}
	why, _ := stop[0].(string)
	if why == "" {
		return nil
	}
	if since, ok := stop[1].(string); ok {
		if ms, err := strconv.ParseInt(since, 10, 64); err == nil {
			a.StoppedAt = At(time.UnixMilli(ms))
		}
	}
	if a.State == AccountReady {
		a.State, a.Reason = AccountStopped, why
	}
	return nil
}

// KeyStop is a hash: why all uploads to a target wait (reason, words; since when, and look: when one of them may look again, both
// in ms), and what was told already (told:<reason>).
func KeyStop(target string) string { return keyPrefix + "stop:" + target }

// MoveTarget lets the uploads of a stopped target go on. What was told stays told until one is done.
func (s *Store) MoveTarget(ctx context.Context, target string) error {
	if err := s.rdb.HDel(ctx, KeyStop(target), "reason", "words", "since", "look").Err(); err != nil {
		return fmt.Errorf("redis: let uploads to %s go on: %w", target, err)
	}
	return nil
}

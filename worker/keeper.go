package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

const (
	keyRenewal    = "nglive:baidu:lock:" // and the account: who renews its token pair now
	renewalLease  = 60 * time.Second
	renewalWithin = 45 * time.Second // less than the lease: nobody else may begin meanwhile
	renewalPoll   = 100 * time.Millisecond
)

// keeper keeps one account's credential: in Redis for all nodes, and on this node's disk, both sealed. The newest wins. A refresh
// token is good for one use, so a new pair is synced to the disk before anything else happens with it.
type keeper struct {
	account string
	dir     string
	vault   *tasks.Vault
	rdb     redis.UniversalClient
	log     *slog.Logger
	turn    chan struct{} // one renewal at a time in this process
	refused *refusals
}

// refusals are Baidu's noes to renewals, by access token, whatever became of the keeper that heard them. A no is final: only a new
// login helps, or other settings, with which this process starts anew.
type refusals struct{ sync.Map }

type refusal struct {
	at  time.Time
	err error
}

// refusedFor is how long a no is believed without asking.
const refusedFor = time.Hour

func (r *refusals) of(access string) error {
	if v, ok := r.Load(access); ok {
		if no, ok := v.(refusal); ok && time.Since(no.at) < refusedFor {
			return no.err
		}
	}
	return nil
}

func newKeeper(n *netdisk, account string) *keeper {
	return &keeper{account: account, dir: n.dir, vault: n.vault, rdb: n.rdb, log: n.log, turn: make(chan struct{}, 1), refused: &n.refused}
}

func (k *keeper) path() string { return filepath.Join(k.dir, k.account) }

// Load implements baidu.Tokens.
func (k *keeper) Load(ctx context.Context) (baidu.Pair, error) {
	c, err := k.newest(ctx)
	if errors.Is(err, tasks.ErrNoCredential) || errors.Is(err, tasks.ErrSealed) || err == nil && c.Access == "" {
		return baidu.Pair{}, baidu.ErrNoTokens
	}
	return pairOf(c), err
}

func pairOf(c tasks.Credential) baidu.Pair {
	return baidu.Pair{Access: c.Access, Refresh: c.Refresh, ExpiresAt: c.ExpiresAt, ObtainedAt: c.ObtainedAt}
}

// newest compares Redis and the disk and brings the older one up to date. While Redis is away the disk has to do.
func (k *keeper) newest(ctx context.Context) (tasks.Credential, error) {
	onDisk, line, diskErr := k.readDisk()
	kept, keptLine, err := k.vault.Load(ctx, k.account)
	if err != nil && !errors.Is(err, tasks.ErrNoCredential) && !errors.Is(err, tasks.ErrSealed) {
		if diskErr == nil {
			return onDisk, nil
		}
		return kept, err
	}
	if line != "" && onDisk.Version > kept.Version && !errors.Is(diskErr, tasks.ErrSealed) {
		_, err := k.vault.Keep(ctx, k.account, line) // Redis lost it, or was away when it was written
		return onDisk, errors.Join(diskErr, err)
	}
	if keptLine != "" && keptLine != line && !errors.Is(err, tasks.ErrSealed) {
		if werr := writeSecret(k.path(), keptLine); werr != nil {
			k.log.Warn("credential not copied to this node's disk", "account", k.account, "error", werr)
		}
	}
	return kept, err
}

func (k *keeper) readDisk() (tasks.Credential, string, error) {
	b, err := os.ReadFile(k.path())
	if errors.Is(err, fs.ErrNotExist) {
		return tasks.Credential{}, "", tasks.ErrNoCredential
	}
	if err != nil {
		return tasks.Credential{}, "", fmt.Errorf("read the credential of %s: %w", k.account, err)
	}
	c, err := k.vault.Open(k.account, string(b))
	return c, string(b), err
}

// save has a credential on the disk, synced, then in Redis; one of the two must have it. It takes the place of the one with that version.
func (k *keeper) save(ctx context.Context, c tasks.Credential, before int64) error {
	c.Version = max(c.ObtainedAt.UnixMilli(), before+1)
	line, err := k.vault.Seal(k.account, c)
	if err != nil {
		return err
	}
	diskErr := writeSecret(k.path(), line)
	_, redisErr := k.vault.Keep(ctx, k.account, line)
	switch {
	case diskErr != nil && redisErr != nil:
		return problemf(again, "the login of %s cannot be kept in %s: %v; make room there or give this user the right to write", k.account, k.dir, cause(diskErr))
	case diskErr != nil: // a refresh token is good once: what took its place must not be thrown away while one of the two has it
		k.log.Warn("new credential is in Redis only; make room in NGLIVE_DATA_DIR", "account", k.account, "error", diskErr)
	case redisErr != nil:
		k.log.Warn("new credential waits on this node's disk for Redis", "account", k.account, "error", redisErr)
	}
	return nil
}

// Renew implements baidu.Tokens: one process of all renews, the others get what it got.
func (k *keeper) Renew(ctx context.Context, stale baidu.Pair, renew func(context.Context, baidu.Pair) (baidu.Pair, error)) (baidu.Pair, error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return baidu.Pair{}, context.Cause(ctx)
	}
	defer func() { <-k.turn }()
	release, fresh, err := k.lock(ctx, stale)
	if err != nil || release == nil {
		return fresh, err
	}
	defer release()
	c, err := k.newest(ctx) // again: its former holder may have renewed
	if err != nil {
		return baidu.Pair{}, err
	}
	if c.Access != stale.Access {
		return pairOf(c), nil
	}
	if err := k.refused.of(c.Access); err != nil {
		return baidu.Pair{}, err
	}
	// Nothing may come between the use of the refresh token and the keeping of what it gave, a stopping worker least of all.
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), renewalWithin)
	defer stop()
	fresh, err = renew(within, pairOf(c))
	if err != nil {
		if baidu.ReasonOf(err) == baidu.ReasonLogin {
			c.Dead = words(err)
			k.refused.Store(c.Access, refusal{time.Now(), err})
			err = errors.Join(err, k.save(within, c, c.Version))
		}
		return baidu.Pair{}, err
	}
	next := c
	next.Access, next.Refresh, next.ExpiresAt, next.ObtainedAt, next.Former, next.Dead = fresh.Access, fresh.Refresh, fresh.ExpiresAt, fresh.ObtainedAt, c.Access, ""
	return fresh, k.save(within, next, c.Version)
}

const unlockScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// lock waits for the right to renew over all nodes. No release means that somebody else renewed meanwhile: that pair is returned.
func (k *keeper) lock(ctx context.Context, stale baidu.Pair) (release func(), fresh baidu.Pair, err error) {
	key, mine := keyRenewal+k.account, rand.Text()
	for {
		got, err := k.rdb.SetNX(ctx, key, mine, renewalLease).Result()
		if err != nil {
			return nil, baidu.Pair{}, fmt.Errorf("redis: renew the login of %s: %w", k.account, err)
		}
		if got {
			return func() {
				within, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer stop()
				_ = redis.NewScript(unlockScript).Run(within, k.rdb, []string{key}, mine).Err() // else its lease ends
			}, baidu.Pair{}, nil
		}
		if c, err := k.newest(ctx); err == nil && c.Access != stale.Access && c.Access != "" {
			return nil, pairOf(c), nil
		}
		if pause(ctx, renewalPoll); ctx.Err() != nil {
			return nil, baidu.Pair{}, context.Cause(ctx)
		}
	}
}

// writeSecret puts a whole file, for this user's eyes only and synced, in the place of another.
func writeSecret(path, content string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.WriteString(content)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	tasks.Failpoint("secret.rename.before")
	defer tasks.Failpoint("secret.rename.after")
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name survive a power cut, where the system can sync a folder at all.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

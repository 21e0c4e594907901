package tasks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// RedisOptions reads redis://, rediss:// and redis-socket:///path?db=0 URLs. Errors do not repeat the URL: it has a password.
func RedisOptions(raw string) (*redis.Options, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("NGLIVE_REDIS_URL is not a URL such as redis://127.0.0.1:6379/0")
	}
	if u.Scheme == "redis-socket" {
		u.Scheme = "unix"
		raw = u.String()
	}
	o, err := redis.ParseURL(raw)
	if err != nil {
		return nil, errors.New("NGLIVE_REDIS_URL wants redis://[user:password@]host:6379/0, rediss://… or redis-socket:///path?db=0")
	}
	return o, nil
}

// MonitorOptions are the same options in the form the queue dashboard takes.
func MonitorOptions(o *redis.Options) asynq.RedisClientOpt {
	return asynq.RedisClientOpt{
		Network: o.Network, Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
	}
}

// UnsafeError says why a Redis would lose work.
type UnsafeError struct{ Faults []string }

// Error lists the faults.
func (e *UnsafeError) Error() string {
	return "this Redis would lose work: " + strings.Join(e.Faults, "; ") +
		". Mend it in redis.conf, or set NGLIVE_REDIS_UNSAFE=true when a provider guarantees it in another way"
}

// oldestRedis is the first version with all commands we use.
const oldestRedis = "6.2"

// CheckRedis finds out whether a Redis keeps what it is given: version, noeviction, append-only file. The error is an
// *UnsafeError when it does not, and any other when it cannot be reached.
func CheckRedis(ctx context.Context, rdb redis.UniversalClient) error {
	info, err := rdb.Info(ctx, "server", "memory", "persistence").Result()
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	var faults []string
	if v := infoField(info, "redis_version"); olderThan(v, oldestRedis) {
		faults = append(faults, fmt.Sprintf("version %s is too old (need %s or newer)", v, oldestRedis))
	}
	if p := infoField(info, "maxmemory_policy"); p != "" && p != "noeviction" {
		faults = append(faults, fmt.Sprintf("maxmemory-policy is %s (need noeviction)", p))
	}
	if infoField(info, "aof_enabled") == "0" {
		faults = append(faults, "appendonly is off (need appendonly yes)")
	}
	if len(faults) > 0 {
		return &UnsafeError{faults}
	}
	return nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return v
		}
	}
	return ""
}

func olderThan(version, oldest string) bool {
	var a, b, x, y int
	if n, _ := fmt.Sscanf(version, "%d.%d", &a, &b); n < 1 {
		return false
	}
	_, _ = fmt.Sscanf(oldest, "%d.%d", &x, &y)
	return a < x || (a == x && b < y)
}

// ErrOtherKey says that this Redis belongs to an installation with another secret key.
var ErrOtherKey = errors.New("this Redis is used with another NGLIVE_SECRET_KEY; give every process of one installation the same key " +
	"(the first `nglive up` keeps it in DATA_DIR/secret_key)")

// CheckKey makes sure that every process on one Redis has the same secret key.
func CheckKey(ctx context.Context, rdb redis.UniversalClient, key []byte) error {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("nglive redis"))
	mark := hex.EncodeToString(mac.Sum(nil))
	if err := rdb.SetNX(ctx, keyPrefix+"key", mark, 0).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	got, err := rdb.Get(ctx, keyPrefix+"key").Result()
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	if !hmac.Equal([]byte(got), []byte(mark)) {
		return ErrOtherKey
	}
	return nil
}

package tasks

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// keyCredentials is a hash: account → version and sealed credential.
const keyCredentials = keyPrefix + "baidu:credentials"

// ErrNoCredential says that an account never logged in, or was logged out.
var ErrNoCredential = errors.New("this account is not logged in")

// ErrSealed says that a credential does not open with this installation's key.
var ErrSealed = errors.New("the credential was sealed with another NGLIVE_SECRET_KEY; log in again")

// Ways to log in to Baidu Netdisk.
const (
	ModeOAuth  = "oauth"
	ModeCookie = "cookie"
)

// Credential is how an account of Baidu Netdisk proves who it is. It leaves the process sealed, or not at all.
type Credential struct {
	Version    int64     `json:"-"` // the newest wins; Baidu's clock in milliseconds where there is one
	Mode       string    `json:"mode"`
	Access     string    `json:"access,omitempty"`
	Refresh    string    `json:"refresh,omitempty"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	ObtainedAt time.Time `json:"obtained_at,omitzero"`
	Former     string    `json:"former,omitempty"` // the access token before: it may live longer than a renewal that broke off
	Dead       string    `json:"dead,omitempty"`   // why the refresh token is of no use any more
	BDUSS      string    `json:"bduss,omitempty"`
	STOKEN     string    `json:"stoken,omitempty"`
}

func (c Credential) String() string { return "credential (" + c.Mode + ", hidden)" }

// GoString hides the secrets from %#v.
func (c Credential) GoString() string { return c.String() }

// LogValue hides the secrets from slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Vault keeps credentials in Redis, sealed with a key derived from the installation's. Whoever reads Redis alone reads nothing.
type Vault struct {
	rdb  redis.UniversalClient
	aead cipher.AEAD
}

// NewVault derives its key from the installation's.
func NewVault(rdb redis.UniversalClient, secret []byte) *Vault {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("nglive credentials"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("AES takes keys of 32 bytes: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("AES has blocks for GCM: " + err.Error())
	}
	return &Vault{rdb: rdb, aead: aead}
}

// tombstone stands in the place of a credential that was logged out, so that no node brings it back from its disk.
const tombstone = "gone"

// Seal makes the line that is kept: the version, a blank, and what only this installation opens.
func (v *Vault) Seal(account string, c Credential) (string, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("seal the credential of %s: %w", account, err)
	}
	nonce := make([]byte, v.aead.NonceSize())
	_, _ = rand.Read(nonce) // never falls short: crypto/rand ends the program instead
	sealed := v.aead.Seal(nonce, nonce, plain, []byte(account))
	return line(c.Version, base64.RawStdEncoding.EncodeToString(sealed)), nil
}

// line begins with the version in a width in which text compares as numbers do.
func line(version int64, rest string) string { return fmt.Sprintf("%016d %s", version, rest) }

// Open reads a line; ErrNoCredential for a tombstone, whose version the credential still tells.
func (v *Vault) Open(account, kept string) (Credential, error) {
	number, rest, _ := strings.Cut(strings.TrimSpace(kept), " ")
	var c Credential
	if _, err := fmt.Sscanf(number, "%d", &c.Version); err != nil {
		return Credential{}, fmt.Errorf("the kept credential of %s is not readable; log in again", account)
	}
	if rest == tombstone {
		return c, ErrNoCredential
	}
	sealed, err := base64.RawStdEncoding.DecodeString(rest)
	if err != nil || len(sealed) < v.aead.NonceSize() {
		return c, ErrSealed
	}
	plain, err := v.aead.Open(nil, sealed[:v.aead.NonceSize()], sealed[v.aead.NonceSize():], []byte(account))
	if err != nil {
		return c, ErrSealed
	}
	version := c.Version
	if err := json.Unmarshal(plain, &c); err != nil {
		return c, ErrSealed
	}
	c.Version = version
	return c, nil
}

// Load reads an account's credential from Redis, and the line it was read from.
func (v *Vault) Load(ctx context.Context, account string) (Credential, string, error) {
	kept, err := v.rdb.HGet(ctx, keyCredentials, account).Result()
	if errors.Is(err, redis.Nil) {
		return Credential{}, "", ErrNoCredential
	}
	if err != nil {
		return Credential{}, "", fmt.Errorf("redis: read the credential of %s: %w", account, err)
	}
	c, err := v.Open(account, kept)
	return c, kept, err
}

// keepScript lets the newest win; it answers the line that is kept now.
const keepScript = `
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept and string.sub(kept, 1, 16) >= string.sub(ARGV[2], 1, 16) then return kept end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]`

// Keep stores a sealed line unless a newer one is there, and returns what is kept now.
func (v *Vault) Keep(ctx context.Context, account, sealed string) (string, error) {
	kept, err := redis.NewScript(keepScript).Run(ctx, v.rdb, []string{keyCredentials}, account, sealed).Text()
	if err != nil {
		return "", fmt.Errorf("redis: keep the credential of %s: %w", account, err)
	}
	return kept, nil
}

// Replace gives an account a credential that a person brought just now.
func (v *Vault) Replace(ctx context.Context, account string, c Credential) error {
	var err error
	if c.Version, err = v.next(ctx, account); err != nil {
		return err
	}
	sealed, err := v.Seal(account, c)
	if err != nil {
		return err
	}
	return v.settle(ctx, account, sealed)
}

// Remove logs an account out, on every node.
func (v *Vault) Remove(ctx context.Context, account string) error {
	version, err := v.next(ctx, account)
	if err != nil {
		return err
	}
	return v.settle(ctx, account, line(version, tombstone))
}

func (v *Vault) settle(ctx context.Context, account, sealed string) error {
	kept, err := v.Keep(ctx, account, sealed)
	if err == nil && kept != sealed {
		err = ErrConflict
	}
	return err
}

// next is a version later than the kept one, by Redis' clock: the one clock for all.
func (v *Vault) next(ctx context.Context, account string) (int64, error) {
	now, err := v.rdb.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	kept, _, err := v.Load(ctx, account)
	if err != nil && !errors.Is(err, ErrNoCredential) && !errors.Is(err, ErrSealed) {
		return 0, err
	}
	return max(now.UnixMilli(), kept.Version+1), nil
}

// Lines returns every kept line by account, tombstones too.
func (v *Vault) Lines(ctx context.Context) (map[string]string, error) {
	all, err := v.rdb.HGetAll(ctx, keyCredentials).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list credentials: %w", err)
	}
	return all, nil
}

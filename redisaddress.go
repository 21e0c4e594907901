package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/renameio/v2/maybe"
	"github.com/redis/go-redis/v9"
)

// redisAddress is where `up`'s own redis-server listens: a socket, or where the
// system has none, a loopback port behind a random password.
type redisAddress struct {
	socket   string
	port     string
	password string
}

// longestSocket is what every system takes in a socket's path.
const (
	longestSocket = 100
	socketName    = "redis.sock"
)

func chooseRedisAddress(dir string) (redisAddress, error) {
	if runtime.GOOS == "windows" {
		return loopbackAddress()
	}
	if takesSockets(dir) {
		return redisAddress{socket: filepath.Join(dir, socketName)}, nil
	}
	if private, err := privateDir(dir); err == nil && takesSockets(private) {
		return redisAddress{socket: filepath.Join(private, socketName)}, nil
	}
	return loopbackAddress()
}

// takesSockets tries it: a long path, and some network disks, do not.
func takesSockets(dir string) bool {
	trial := filepath.Join(dir, "trial.sock")
	if len(trial) > longestSocket {
		return false
	}
	_ = os.Remove(trial)                // of a start that was killed right here
	l, err := net.Listen("unix", trial) //nolint:noctx // returns at once
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// privateDir is a short-named folder of this user alone, the same at each start
// for the same dir. It lies where others may write, so it is looked at first.
func privateDir(dir string) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	path := filepath.Join(os.TempDir(), "nglive-"+hex.EncodeToString(sum[:6]))
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ownedByUs(info) {
		return "", fmt.Errorf("%s belongs to somebody else", path)
	}
	return path, nil
}

func loopbackAddress() (redisAddress, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return redisAddress{}, fmt.Errorf("a loopback port for Redis: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return redisAddress{port: port, password: hex.EncodeToString(randomBytes(24))}, err
}

func (a redisAddress) options() *redis.Options {
	o := &redis.Options{Network: "tcp", Addr: net.JoinHostPort("127.0.0.1", a.port), Password: a.password}
	if a.socket != "" {
		o = &redis.Options{Network: "unix", Addr: a.socket}
	}
	return quieter(o)
}

// addressFile tells the next `up`, and doctor, where to find the server.
const addressFile = "address.json"

type savedAddress struct {
	Socket   string `json:"socket,omitempty"`
	Port     string `json:"port,omitempty"`
	Password string `json:"password,omitempty"`
}

func (a redisAddress) remember(dir string) error {
	content, err := json.Marshal(savedAddress{Socket: a.socket, Port: a.port, Password: a.password})
	if err == nil {
		err = maybe.WriteFile(filepath.Join(dir, addressFile), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note where Redis listens: %w", err)
	}
	return nil
}

func recallRedisAddress(dir string) (redisAddress, bool) {
	var saved savedAddress
	content, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil || json.Unmarshal(content, &saved) != nil {
		return redisAddress{}, false
	}
	return redisAddress{socket: saved.Socket, port: saved.Port, password: saved.Password}, true
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// examineListeners looks at the two addresses, and at who may use them.
func examineListeners(ctx context.Context, cfg Config) findings {
	f := examineListen(ctx, "NGLIVE_LISTEN", cfg.Listen, good)
	f = append(f, examineListen(ctx, "NGLIVE_WORKER_LISTEN", cfg.WorkerListen, good)...)
	switch {
	case cfg.Token != "":
		f.add(good, "access 访问", "a token is set; the recorder's address: nglive doctor --show-webhook / 已设置令牌", "")
	case loopback(cfg.Listen):
		f.add(good, "access 访问", "this machine only, no token needed / 仅本机可访问，无需令牌", "")
	}
	return f
}

// examineListen tries the address. Another NGlive may have it already: what
// that means, ours says.
func examineListen(ctx context.Context, name, address string, ours mark) findings {
	var f findings
	what := "port 端口 " + name
	if strings.HasSuffix(address, ":0") {
		return nil // any free one
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = l.Close()
		f.add(good, what, address+" is free / 可用", "")
	case errors.Is(err, syscall.EADDRINUSE) && answers(ctx, baseURL(address)):
		f.add(ours, what, address+" is in use by a running NGlive / 已有 NGlive 在运行", "stop that one first / 请先停止它")
	default:
		f.add(bad, what, fmt.Sprintf("%s cannot be used: %v / 无法使用", address, err),
			fmt.Sprintf("end the program that has it, or set %s to another address / 结束占用它的程序，或换一个地址", name))
	}
	return f
}

package main

import (
	"context"
	"net/http"
	"time"
)

// runWeb is the command "nglive web".
func runWeb(ctx context.Context, c *console, args []string) int {
	if len(args) > 0 {
		c.complain("usage 用法: nglive web\n")
		return exitUsage
	}
	i, b, err := c.openAlone(ctx, false)
	if err != nil {
		return c.ended(ctx, err)
	}
	defer b.close()
	w, err := i.newWeb(b)
	if err != nil {
		return c.ended(ctx, err)
	}
	return c.ended(ctx, i.runWebPart(ctx, w, func(address string) {
		base := baseURL(address)
		c.say("NGlive web runs at %s/ / 网页已启动\n", base)
		i.systemd.ready("web at " + base)
		context.AfterFunc(ctx, i.systemd.stopping)
		go i.systemd.watch(ctx, func() bool { return answers(ctx, base) })
	}))
}

// runWorker is the command "nglive worker".
func runWorker(ctx context.Context, c *console, args []string) int {
	takeOver, ok := c.takeOverFlag("worker", args)
	if !ok {
		return exitUsage
	}
	i, b, err := c.openAlone(ctx, true)
	if err != nil {
		return c.ended(ctx, err)
	}
	defer b.close()
	release, err := i.lockOutput()
	if err != nil {
		return c.ended(ctx, err)
	}
	defer release()
	l, err := i.listenForWorker(ctx)
	if err != nil {
		return c.ended(ctx, err)
	}
	w, err := i.newWorker(b, takeOver)
	if err != nil {
		_ = l.Close()
		return c.ended(ctx, err)
	}
	base := baseURL(l.Addr().String())
	return c.ended(ctx, i.runWorkerPart(ctx, w, l, func() {
		c.say("NGlive worker of node %s runs / 任务进程已启动 (%s/readyz)\n", i.node, base)
		i.systemd.ready("worker of node " + i.node)
		context.AfterFunc(ctx, i.systemd.stopping)
		go i.systemd.watch(ctx, func() bool { return answers(ctx, base) })
	}))
}

// openAlone opens the installation for a process of its own, checks what
// concerns it and waits for Redis.
func (c *console) openAlone(ctx context.Context, works bool) (*installation, *bus, error) {
	i, err := c.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := i.startChecks(ctx, !works, works); err != nil {
		return nil, nil, err
	}
	options, err := redisOptions(i.cfg)
	if err != nil {
		return nil, nil, err
	}
	b := i.openBus(options)
	if err := i.reach(ctx, b.rdb, redisURL(i.cfg).String()); err != nil {
		b.close()
		return nil, nil, err
	}
	return i, b, nil
}

// answers says that the process behind a listener serves requests. Redis has no
// part in it: a process that waits for Redis is alive, and must not be killed in
// the middle of its work.
func answers(ctx context.Context, base string) bool {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/worker/recorder"
)

const recorderName = "recorder 录播姬"

// examineRecorder looks at the node's recorder: one to run, one to ask, or none.
func examineRecorder(ctx context.Context, cfg Config) findings {
	switch {
	case cfg.RecorderPath != "":
		return examineOwnRecorder(ctx, cfg)
	case cfg.RecorderURL != "":
		return examineForeignRecorder(ctx, cfg)
	}
	var f findings
	f.add(note, recorderName, "none is set: recordings come from a recorder that you point at the webhook yourself, and rooms cannot be managed here / 未设置",
		"set NGLIVE_RECORDER_PATH or NGLIVE_RECORDER_URL, or leave it: docs/recorder.md / 如需管理房间，请参阅 docs/recorder.zh-CN.md")
	return f
}

func examineOwnRecorder(ctx context.Context, cfg Config) findings {
	var f findings
	program := cfg.RecorderPath
	if strings.EqualFold(filepath.Ext(program), ".dll") {
		program = "dotnet"
	}
	if _, err := exec.LookPath(program); err != nil {
		f.add(bad, recorderName, fmt.Sprintf("%s cannot be run: %v / 无法运行", program, err), "correct NGLIVE_RECORDER_PATH, or allow this user to run it (chmod +x) / 请检查 NGLIVE_RECORDER_PATH 和执行权限")
		return f
	}
	f.add(good, recorderName, cfg.RecorderPath+" will be run and looked after / 由 NGlive 启动和看护", "")
	for _, l := range examineListen(ctx, "NGLIVE_RECORDER_LISTEN", cfg.RecorderListen, good) {
		if l.mark == bad { // most likely our own, at work
			l.mark, l.mend = note, "that is well if NGlive runs already; otherwise end the program that has it, or set another NGLIVE_RECORDER_LISTEN / 若 NGlive 正在运行则属正常，否则请更换"
		}
		f = append(f, l)
	}
	return f
}

func examineForeignRecorder(ctx context.Context, cfg Config) findings {
	var f findings
	client, err := recorder.New(recorder.Config{URL: cfg.RecorderURL, User: cfg.RecorderUser, Password: string(cfg.RecorderPassword)})
	if err != nil {
		f.add(bad, recorderName, err.Error(), "correct NGLIVE_RECORDER_URL / 请检查 NGLIVE_RECORDER_URL")
		return f
	}
	version, err := client.Version(ctx)
	if err != nil {
		f.add(bad, recorderName, err.Error(), "NGlive goes on trying; until then nothing new is recorded for it / NGlive 会继续重试")
		return f
	}
	f.add(good, recorderName, fmt.Sprintf("version %s answers at %s / 可以访问", version, client.Address()), "")
	if loopbackURL(cfg.RecorderWebhook) && !loopbackURL(cfg.RecorderURL) {
		f.add(note, recorderName, "it runs elsewhere, and would look for NGlive's webhook on its own machine / 录播姬在其他机器上，找不到本机的 webhook 地址",
			"set NGLIVE_RECORDER_WEBHOOK to NGlive's address as the recorder sees it, such as http://192.168.1.5:8100/webhook/ / 请把 NGLIVE_RECORDER_WEBHOOK 设为录播姬能访问的地址")
	}
	return f
}

// loopbackURL takes an empty address for this machine's own.
func loopbackURL(address string) bool {
	address = strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")
	host, _, _ := strings.Cut(address, "/")
	if !strings.Contains(host, ":") {
		host += ":80"
	}
	return host == ":80" || loopback(host)
}

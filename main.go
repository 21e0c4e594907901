// Command nglive takes recordings from a recorder through transcode, upload and
// notification. This package holds the commands and wires the parts together;
// it does none of their work itself.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Exit codes; tests and other people's scripts rely on them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNobody   = 3   // no NGlive answers
	exitStopped  = 130 // Ctrl-C, as a shell reports it
	dotenvInHere = ".env"
)

// console is what a command may use of the process it runs in.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	dotenv         string // path of the .env
}

// command is one word after "nglive".
type command struct {
	name, args       string
	english, chinese string
	run              func(ctx context.Context, c *console, args []string) int
}

func commands() []command {
	return []command{
		{"up", "[--take-over]", "run everything on this machine: Redis, web and worker", "在本机运行全部：Redis、网页和任务进程", runUp},
		{"web", "", "run the web process alone, on the Redis of NGLIVE_REDIS_URL", "只运行网页进程", runWeb},
		{"worker", "[--take-over]", "run this node's worker alone, on the Redis of NGLIVE_REDIS_URL", "只运行本节点的任务进程", runWorker},
		{"submit", "[--server URL] FILE…", "hand files in and follow them to the archive", "提交文件，并跟踪到归档完成", runSubmit},
		{"sample", "[--seconds N | --live 60s]", "make a short recording and follow it to the archive", "生成一段示例录像，并跟踪到归档完成", runSample},
		{"doctor", "[--show-webhook]", "check this machine and say how to mend what is wrong", "检查本机环境，并给出解决办法", runDoctor},
		{"baidu", "login|logout|status [--account NAME]", "log accounts of Baidu Netdisk in and out, and show them", "登录、退出、查看百度网盘账号", runBaidu},
		{"openapi", "", "print the API's description (OpenAPI 3.1, YAML)", "输出接口文档（OpenAPI 3.1）", runOpenAPI},
		{"import", "config.ini [--out .env]", "turn the original NGlive's config.ini into a .env", "把旧版 config.ini 转成 .env", runImport},
		{"version", "", "print the version", "显示版本", runVersion},
		{"help", "", "print this", "显示本帮助", runHelp},
	}
}

// run is the program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	redis.SetLogger(silence{})
	ctx, stop := interrupted()
	defer stop()
	c := &console{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ(), dotenv: dotenvInHere}
	return c.run(ctx, args)
}

func (c *console) run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		printHelp(c.stderr)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-v", "-version", "--version":
		name = "version"
	}
	for _, cmd := range commands() {
		if cmd.name == name {
			return cmd.run(ctx, c, args[1:])
		}
	}
	c.complain("nglive: there is no command %q / 没有这个命令\n", name)
	printHelp(c.stderr)
	return exitUsage
}

// interrupted gives a context that the first Ctrl-C, SIGTERM or closed terminal
// ends. The second Ctrl-C then ends the process at once.
func interrupted() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it: stay alive then
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func runHelp(_ context.Context, c *console, _ []string) int {
	printHelp(c.stdout)
	return exitDone
}

func printHelp(w io.Writer) {
	_, _ = fmt.Fprint(w, "NGlive: record → transcode → upload → notify / 录制 → 转码 → 上传 → 通知\n\nusage 用法: nglive COMMAND\n\n")
	for _, cmd := range commands() {
		_, _ = fmt.Fprintf(w, "  %-34s %s\n  %-34s %s\n", cmd.name+" "+cmd.args, cmd.english, "", cmd.chinese)
	}
	_, _ = fmt.Fprint(w, "\nSettings are NGLIVE_… in the environment or in .env; .env.example lists them all.\n设置写在环境变量或 .env 里，全部选项见 .env.example。\n")
}

func runImport(_ context.Context, c *console, args []string) int {
	return importINI(args, c.stdout, c.stderr)
}

// say is for what a command answers; complain for everything else a person
// should read. A terminal that went away is nobody's loss.
func (c *console) say(format string, args ...any) { _, _ = fmt.Fprintf(c.stdout, format, args...) }

func (c *console) complain(format string, args ...any) { _, _ = fmt.Fprintf(c.stderr, format, args...) }

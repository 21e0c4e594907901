// Command cmd runs the fake Baidu Netdisk on its own, so that any client can be tried against it. It never reaches the real one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// setup is all that the flags say.
type setup struct {
	opts               baidutest.Options
	account            baidutest.Account
	kind, tier, listen string
	faults, ca, log    string
	approve            bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s setup
	flags := s.flags(stderr)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := s.finish(flags.Args()); err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	server, err := baidutest.Start(s.opts)
	if err != nil {
		fmt.Fprintf(stderr, "starting the fake Baidu: %v\n", err)
		return 1
	}
	defer server.Close()
	if err := os.WriteFile(s.ca, server.CA(), 0o644); err != nil { //nolint:gosec // a certificate is for everybody
		fmt.Fprintf(stderr, "writing the certificate to trust: %v\n", err)
		return 1
	}
	s.describe(stdout, server)
	s.watch(ctx, stdout, server)
	s.summary(stdout, server)
	return 0
}

// describe prints what a client needs.
func (s *setup) describe(out io.Writer, server *baidutest.Server) {
	u := server.URLs()
	fmt.Fprintf(out, `fake Baidu Netdisk, until Ctrl-C. It forwards nothing and keeps all in memory.

  proxy           %s     (http_proxy and https_proxy of a client)
  trust           %s     (SSL_CERT_FILE, curl --cacert, REQUESTS_CA_BUNDLE …)
  without proxy   pan %s   pcs %s   openapi %s
  slice hosts     %s
`, u.Proxy, s.ca, u.Pan, u.PCS, u.OpenAPI, strings.Join(u.Hosts, " "))
	app, a := s.opts.App, s.account
	fmt.Fprintf(out, "  account         %s, uk %d, tier %s, %s\n", a.Name, a.UK, s.tier, s.kind)
	if a.AccessToken != "" {
		fmt.Fprintf(out, "  application     client_id %s   client_secret %s   folder /apps/%s\n", app.ClientID, app.ClientSecret, app.Folder)
		fmt.Fprintf(out, "  tokens          access %s   refresh %s\n", a.AccessToken, a.RefreshToken)
		fmt.Fprintf(out, "  code            %s   or one that https://openapi.baidu.com/oauth/2.0/authorize shows\n", a.Code)
		fmt.Fprintf(out, "  device login    say yes with: curl '%s/device?code=USER_CODE'\n", u.Proxy)
	}
	if a.BDUSS != "" {
		fmt.Fprintf(out, "  cookies         BDUSS=%s; STOKEN=%s\n", a.BDUSS, a.STOKEN)
	}
	fmt.Fprintln(out)
}

// watch prints every request when it is done, until the end.
func (s *setup) watch(ctx context.Context, out io.Writer, server *baidutest.Server) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	printed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.approve {
			server.ApproveAll()
		}
		if s.log == "none" {
			continue
		}
		for _, c := range server.CallsFrom(printed) {
			if c.Ended.IsZero() {
				break // in order; a slow one holds the print back, and nothing else
			}
			printed++
			if s.log == "all" || c.Code != 0 || c.Status/100 != 2 {
				printCall(out, c)
			}
		}
	}
}

func printCall(out io.Writer, c baidutest.Call) {
	part, answer := "", fmt.Sprint(c.Status)
	if c.Part >= 0 {
		part = fmt.Sprintf(" part %d, %d bytes", c.Part, c.Bytes)
	}
	if c.Status == 0 {
		answer = "cut"
	}
	if c.Code != 0 {
		answer += fmt.Sprintf(" code %d", c.Code)
	}
	fmt.Fprintf(out, "%s %-14s %-24s %s%s (%s)\n", c.Began.Format("15:04:05.000"), c.Endpoint, c.Host, answer, part, c.Ended.Sub(c.Began).Round(time.Millisecond))
}

// summary prints what is there at the end.
func (s *setup) summary(out io.Writer, server *baidutest.Server) {
	fmt.Fprintf(out, "\n%d requests, %d slices, %d bytes of slices, %d at once at most, %d refreshes\n", server.Requests(""),
		server.Requests(baidutest.SuperFile2), server.Bytes(), server.MaxInFlight(""), server.Refreshes(""))
	for _, f := range server.Files("") {
		fmt.Fprintf(out, "file  %s  %d bytes, %d blocks  %s\n", f.Path, f.Size, len(f.Blocks), f.SHA256)
	}
	for _, x := range server.Shares() {
		fmt.Fprintf(out, "share %s  %s\n", x.Link, strings.Join(x.Paths, " "))
	}
	for _, host := range server.Strangers() {
		fmt.Fprintf(out, "asked for and refused: %s\n", host)
	}
}

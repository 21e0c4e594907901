package handlers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"rsc.io/qr"

	"github.com/ngworks/nglive/tasks"
)

const (
	baiduLoginDoc = "A worker asks Baidu for a code; a person types it in at `verification_url`, or scans the QR code, and confirms. Ask " +
		"`GET` until `state` is `done`. With `cookie`, nothing is asked: the cookie is kept, encrypted. It opens the whole account; " +
		"docs/baidu.md says what that means. With `share_only` it makes share links for an account that uploads by OAuth."
	loginAnswers = 10 * time.Second // how long a login may wait for its code
	loginLooks   = 100 * time.Millisecond
)

type loginAccount struct {
	Account string `query:"account" maxLength:"40" pattern:"^[A-Za-z0-9_-]*$" doc:"Empty = the default one"`
}

type startLoginInput struct {
	Body struct {
		Account string       `json:"account,omitempty" maxLength:"40" pattern:"^[A-Za-z0-9_-]*$" doc:"Letters, digits, - and _; empty = the default one"`
		Node    string       `json:"node,omitempty" maxLength:"64" doc:"The node that asks Baidu; empty = one that can"`
		Cookie  *cookieLogin `json:"cookie,omitempty"`
	}
}

type cookieLogin struct {
	BDUSS     string `json:"bduss" minLength:"16" maxLength:"1000" pattern:"^[A-Za-z0-9_~.-]+$"`
	STOKEN    string `json:"stoken,omitempty" maxLength:"200" pattern:"^[A-Za-z0-9]*$"`
	ShareOnly bool   `json:"share_only,omitempty" doc:"For share links alone; uploads stay with OAuth"`
}

type baiduLogin struct {
	tasks.Login
	QR string `json:"qr,omitempty" doc:"The QR code of scan_url: a PNG as a data: address"`
}

type baiduLoginOutput struct{ Body baiduLogin }

// startBaiduLogin asks a worker for a login and waits a little for its code.
func (h *handlers) startBaiduLogin(ctx context.Context, in *startLoginInput) (*baiduLoginOutput, error) {
	account := cmp.Or(in.Body.Account, tasks.DefaultAccount)
	if in.Body.Cookie != nil {
		return h.keepCookie(ctx, account, *in.Body.Cookie)
	}
	node, err := h.baiduNode(ctx, in.Body.Node)
	if err != nil {
		return nil, err
	}
	l := tasks.Login{ID: uuid.NewString(), Account: account, Node: node, State: tasks.LoginAsked, AskedAt: tasks.At(now())}
	if err := h.Store.AskLogin(ctx, l); err != nil {
		return nil, h.mishap(ctx, err)
	}
	within, stop := context.WithTimeout(ctx, loginAnswers)
	defer stop()
	tick := time.NewTicker(loginLooks)
	defer tick.Stop()
	for l.State == tasks.LoginAsked {
		select {
		case <-within.Done():
			return loginAnswer(l), ctx.Err()
		case <-tick.C:
		}
		next, err := h.Store.Login(within, account)
		switch {
		case err == nil:
			l = next
		case within.Err() != nil:
			return loginAnswer(l), ctx.Err()
		default:
			return nil, h.mishap(ctx, err)
		}
	}
	return loginAnswer(l), nil
}

// baiduNode is a living node that can ask Baidu.
func (h *handlers) baiduNode(ctx context.Context, wanted string) (string, error) {
	nodes, err := h.allNodes(ctx)
	if err != nil {
		return "", err
	}
	best := ""
	for _, n := range nodes {
		able := n.Alive && n.BaiduApp
		switch {
		case !able, wanted != "" && n.Name != wanted:
		case n.Name == h.Node, best == "":
			best = n.Name
		}
	}
	if best == "" {
		return "", refuse(http.StatusConflict, "No running node has an application of Baidu's. Set NGLIVE_BAIDU_APP_KEY and NGLIVE_BAIDU_APP_SECRET "+
			"on a node and start it again; docs/baidu.md says how to get them.")
	}
	return best, nil
}

func loginAnswer(l tasks.Login) *baiduLoginOutput {
	out := &baiduLoginOutput{Body: baiduLogin{Login: l}}
	if l.State == tasks.LoginWaiting && l.ScanURL != "" {
		out.Body.QR = picture(l.ScanURL)
	}
	return out
}

// picture is a QR code as the page can show it, drawn here: nobody else is asked.
func picture(text string) string {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "" // longer than any QR code; the address is there as text
	}
	var b bytes.Buffer
	b.WriteString("data:image/png;base64,")
	b.WriteString(base64.StdEncoding.EncodeToString(code.PNG()))
	return b.String()
}

// keepCookie takes a cookie at its word; the account's first use, or its next look, tells whether it is good.
func (h *handlers) keepCookie(ctx context.Context, account string, k cookieLogin) (*baiduLoginOutput, error) {
	c := tasks.Credential{Mode: tasks.ModeCookie}
	if k.ShareOnly {
		kept, _, err := h.Vault.Load(ctx, account)
		if errors.Is(err, tasks.ErrNoCredential) || err == nil && kept.Mode != tasks.ModeOAuth {
			return nil, refuse(http.StatusConflict, "Log in by OAuth first; the cookie is for the links of an account that uploads that way.")
		}
		if err != nil {
			return nil, h.mishap(ctx, err)
		}
		c = kept
	}
	c.BDUSS, c.STOKEN = k.BDUSS, k.STOKEN
	if err := h.Vault.Replace(ctx, account, c); err != nil {
		return nil, h.mishap(ctx, err)
	}
	if err := h.Store.MoveTarget(ctx, tasks.BaiduTarget(account)); err != nil {
		return nil, h.mishap(ctx, err)
	}
	return loginAnswer(tasks.Login{ID: uuid.NewString(), Account: account, State: tasks.LoginDone, AskedAt: tasks.At(now())}), nil
}

func (h *handlers) getBaiduLogin(ctx context.Context, in *loginAccount) (*baiduLoginOutput, error) {
	l, err := h.Store.Login(ctx, cmp.Or(in.Account, tasks.DefaultAccount))
	if errors.Is(err, tasks.ErrNoLogin) {
		return nil, refuse(http.StatusNotFound, "No login of this account is under way. POST the same address to start one.")
	}
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return loginAnswer(l), nil
}

type accountsOutput struct {
	Body struct {
		Accounts []tasks.Account `json:"accounts" nullable:"false"`
	}
}

func (h *handlers) listBaiduAccounts(ctx context.Context, _ *struct{}) (*accountsOutput, error) {
	all, err := h.Store.Accounts(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	slices.SortFunc(all, func(a, b tasks.Account) int { return strings.Compare(a.Name, b.Name) })
	out := &accountsOutput{}
	out.Body.Accounts = all
	return out, nil
}

type accountInput struct {
	Account string `path:"account" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$"`
}

// deleteBaiduAccount logs an account out on every node.
func (h *handlers) deleteBaiduAccount(ctx context.Context, in *accountInput) (*struct{}, error) {
	err := h.Vault.Remove(ctx, in.Account)
	if err == nil {
		err = errors.Join(h.Store.ForgetLogin(ctx, in.Account), h.Store.ForgetAccount(ctx, in.Account))
	}
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return nil, nil //nolint:nilnil // Huma: an answer without a body
}

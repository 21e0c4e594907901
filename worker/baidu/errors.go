package baidu

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Classes of an Error, as the worker reads them.
const (
	classAgain  = "again"
	classNever  = "never"
	classTell   = "tell"
	classSpace  = "space"
	classExists = "exists"
)

// Reason is what is the matter, for programs; the words are for people.
type Reason string

// Reasons.
const (
	ReasonNetwork    Reason = "network"     // Baidu cannot be reached, or answers nonsense
	ReasonServer     Reason = "server"      // Baidu has trouble of its own
	ReasonRate       Reason = "rate"        // too many requests; see RetryAt
	ReasonDaily      Reason = "daily-limit" // the account's limit of the day
	ReasonLogin      Reason = "login"       // a person must log in or authorise again
	ReasonVerify     Reason = "verify"      // Baidu wants the person verified in its app
	ReasonBanned     Reason = "banned"
	ReasonPermission Reason = "permission" // the application may not do this
	ReasonSpace      Reason = "space"      // the netdisk is full
	ReasonTooLarge   Reason = "too-large"  // larger than the membership allows; see Limit
	ReasonName       Reason = "name"       // Baidu does not take the name
	ReasonPath       Reason = "path"       // outside the application's folder
	ReasonEmpty      Reason = "empty"      // Baidu takes no empty file
	ReasonExists     Reason = "exists"     // other content has the name
	ReasonMissing    Reason = "missing"    // nothing is there
	ReasonDiffers    Reason = "differs"    // what is there is not what was sent
	ReasonChanged    Reason = "changed"    // the source changed meanwhile
	ReasonUnreadable Reason = "unreadable" // the source cannot be read
	ReasonStopped    Reason = "stopped"    // the caller's context ended
	ReasonShare      Reason = "share"      // Baidu shares no link of this file
	ReasonNoShare    Reason = "no-share"   // no credential that may share
	ReasonRefused    Reason = "refused"    // a request that Baidu does not understand: our mistake, or a changed interface
	ReasonCorrupt    Reason = "corrupt"    // slices arrive other than they were sent
	ReasonDeclined   Reason = "declined"   // the person declined the device code
	ReasonExpired    Reason = "expired"    // the device code is too old
	ReasonJournal    Reason = "journal"    // the session cannot be kept
)

// ErrNoTokens says that the account was never authorised.
var ErrNoTokens = errors.New("this account was never authorised")

// ErrPending says that the person has not yet confirmed the device code.
var ErrPending = errors.New("the device code was not confirmed yet")

// Error is every error that this package returns.
type Error struct {
	reason  Reason
	class   string
	account bool
	retryAt time.Time
	limit   int64

	tried  string
	code   int
	status int
	said   string // the OAuth dialect's word
	en, zh string
	cause  error
}

// Class says what becomes of the upload: "again" (back-off), "never" (cannot succeed), "tell" (a person must act), "space" (hold
// until there is room) or "exists" (other content has the name).
func (e *Error) Class() string { return e.class }

// Reason says what is the matter, for programs.
func (e *Error) Reason() Reason { return e.reason }

// AccountWide says that nothing of this account can succeed before somebody acts or RetryAt is over: its queue should stop, and
// tell once.
func (e *Error) AccountWide() bool { return e.account }

// RetryAt is the earliest time that another try makes sense; zero: as the worker likes.
func (e *Error) RetryAt() time.Time { return e.retryAt }

// Limit is the largest file of the account's membership, with ReasonTooLarge.
func (e *Error) Limit() int64 { return e.limit }

// Code is Baidu's number, 0 when it gave none.
func (e *Error) Code() int { return e.code }

// UserMessage says what happened and what to do, for people who do not program, in English and Chinese.
func (e *Error) UserMessage() string { return e.en + " " + e.zh }

// Words are the same, one language each.
func (e *Error) Words() (en, zh string) { return e.en, e.zh }

func (e *Error) Error() string {
	s := e.tried
	if e.status != 0 {
		s += fmt.Sprintf(": HTTP %d", e.status)
	}
	if e.code != 0 {
		s += fmt.Sprintf(", code %d", e.code)
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s + " (" + string(e.reason) + ")"
}

func (e *Error) Unwrap() error { return e.cause }

// Is lets errors.Is(err, context.Canceled) hold for a stopped upload, whatever the cause was.
func (e *Error) Is(target error) bool {
	return e.reason == ReasonStopped && errors.Is(target, context.Canceled)
}

// ReasonOf is the reason of an error of this package, empty for others.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.reason
	}
	return ""
}

// problem makes an Error of a reason; its class and words stand in the table of words.go.
func (c *Client) problem(reason Reason, tried string, cause error) *Error {
	w := wordsOf(reason)
	e := &Error{reason: reason, class: w.class, account: w.account, tried: tried, cause: cause, en: w.en, zh: w.zh}
	if reason == ReasonDaily {
		e.retryAt = nextBeijingDay(c.cfg.Now())
	}
	return e.about("account", c.cfg.Account)
}

// nextBeijingDay is when Baidu's limits of the day begin anew.
func nextBeijingDay(now time.Time) time.Time {
	beijing := time.FixedZone("CST", 8*60*60)
	y, m, d := now.In(beijing).Date()
	return time.Date(y, m, d+1, 0, 5, 0, 0, beijing)
}

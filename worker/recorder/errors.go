package recorder

import (
	"errors"
	"fmt"
)

// Kind says what sort of trouble an Error is; who asked decides what follows from it.
type Kind string

// The kinds of trouble.
const (
	Away         Kind = "away"         // nobody answers there, or the answer broke off
	Slow         Kind = "slow"         // no whole answer in time
	Broken       Kind = "broken"       // a 5xx: the recorder itself is in trouble
	Unauthorized Kind = "unauthorized" // 401: wrong or no user and password
	Denied       Kind = "denied"       // 412: the recorder lets nobody in without a password
	NoRoom       Kind = "no_room"      // it has no such room
	Refused      Kind = "refused"      // it does not take the command
	Foreign      Kind = "foreign"      // whoever answers is no recorder, or none that we understand
	BadID        Kind = "bad_id"       // never asked: id 0 means "any room without a short id" to a recorder
)

// Error is an answer that is none. It holds no password and no body of a stranger.
type Error struct {
	Kind    Kind
	Op      string // what was tried
	Address string
	Status  int    // HTTP; 0 = none
	Said    string // the recorder's own words, or what is wrong with the answer
	Err     error
}

// Error says what was tried, where, and what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("recorder at %s: %s: %s", e.Address, e.Op, e.words())
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Passing reports whether the same command may well work a little later.
func (e *Error) Passing() bool { return e.Kind == Away || e.Kind == Slow || e.Kind == Broken }

func (e *Error) words() string {
	switch e.Kind {
	case Away:
		return "nobody answers; is it running, and is the address right? / 录播姬没有应答：它在运行吗？地址对吗？"
	case Slow:
		return "no answer in time; the recorder is busy or hangs / 录播姬没有及时应答，可能繁忙或卡死"
	case Broken:
		return fmt.Sprintf("it answered HTTP %d; its own log says why / 录播姬内部错误，请查看它的日志", e.Status)
	case Unauthorized:
		return "it answered 401: the user or the password is wrong; set NGLIVE_RECORDER_USER and NGLIVE_RECORDER_PASSWORD to those of the recorder's --http-basic-user and --http-basic-pass / 用户名或密码不对，请按录播姬的设置填写"
	case Denied:
		return "it answered 412: a recorder without a password refuses this way of access; start it with BREC_HTTP_BASIC_USER and BREC_HTTP_BASIC_PASS and give NGlive the same, or set BREC_HTTP_OPEN_ACCESS=1 there if nobody else can reach it / 录播姬未设密码并拒绝了访问：请为它设置用户名和密码，或仅在可信网络内开启 BREC_HTTP_OPEN_ACCESS"
	case NoRoom:
		return "it has no such room / 录播姬里没有这个房间"
	case Refused:
		return "it refused: " + e.Said + " / 录播姬拒绝了这个操作"
	case BadID:
		return "a room id is a number above 0 / 房间号必须大于 0"
	case Foreign:
	}
	return e.Said + "; does the address belong to a BililiveRecorder, version 2.2 or newer, without a proxy in between? / 应答的不是录播姬 2.2 及以上版本，请检查地址和代理"
}

// KindOf is the kind of an error of this package; empty for others.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// passing reports whether err is an Error that may pass.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Passing()
}

package baidu

import (
	"net/http"
	"slices"
	"strings"
)

// step is which of Baidu's doors was knocked at: one number means different things at different doors.
type step string

const (
	stepUser      step = "ask who the account is"
	stepQuota     step = "ask for the room"
	stepList      step = "list a folder"
	stepStat      step = "look a file up"
	stepPrecreate step = "open the upload"
	stepLocate    step = "ask for an upload host"
	stepSlice     step = "send a slice"
	stepCreate    step = "create the file"
	stepShare     step = "make a share link"
	stepShared    step = "look for a share link"
	stepToken     step = "renew the tokens"
	stepDevice    step = "begin the login"
)

// reaction is what to do about an answer.
type reaction int

const (
	stop        reaction = iota // it cannot succeed this way
	repeat                      // the same again, after a pause
	repeatOnce                  // the same again, once
	slow                        // wait, and use fewer connections
	renew                       // new credentials, then the same again
	risk                        // Baidu looks closer at the account, often for a moment only
	settle                      // a new application: wait ten minutes
	fresh                       // the same on a new connection; twice: reopen
	reopen                      // the session has lost something: ask what
	relocate                    // another host and another session
	smaller                     // slices are too large
	rename                      // the name is disliked
	taken                       // other content may have the name
	absent                      // nothing is there
	incomplete                  // create: not all there yet, perhaps
	uncommitted                 // create: could not put the slices together
	plainly                     // precreate: repeat without rapid upload
)

type verdict struct {
	do     reaction
	reason Reason
	heavy  bool // a sign that fewer connections would do better
}

// judge is the table of everything that Baidu answers.
func judge(at step, oauth bool, a answer) verdict {
	if a.doc == nil || (a.code == 0 && a.kind == "") {
		return judgeStatus(at, oauth, a)
	}
	if a.code == 0 {
		return judgeKind(a.kind)
	}
	if v, ok := judgeAt(at, a); ok {
		return v
	}
	return judgeCode(oauth, a.code)
}

// judgeStatus is for what is no answer of Baidu's own: gateways, proxies, cut answers.
func judgeStatus(at step, oauth bool, a answer) verdict {
	switch {
	case a.status == http.StatusTooManyRequests:
		return verdict{do: slow, reason: ReasonRate}
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		if oauth {
			return verdict{do: renew, reason: ReasonLogin}
		}
		if at == stepSlice { // a cookie cannot be renewed, and Baidu would have said that it is over
			return verdict{do: fresh, reason: ReasonServer}
		}
	case at == stepUser && a.status == http.StatusNotFound:
		return verdict{do: stop, reason: ReasonServer} // some accounts have no such page
	case at == stepSlice && a.status == http.StatusRequestEntityTooLarge:
		return verdict{do: smaller, reason: ReasonServer}
	case at == stepSlice && a.status == http.StatusBadRequest:
		return verdict{do: fresh, reason: ReasonServer}
	}
	return verdict{do: repeat, reason: ReasonServer, heavy: true}
}

// judgeKind is for the OAuth dialect's words.
func judgeKind(kind string) verdict {
	if slices.Contains([]string{"invalid_token", "expired_token", "invalid_grant", "110", "111"}, kind) {
		return verdict{do: renew, reason: ReasonLogin}
	}
	return verdict{do: repeat, reason: ReasonServer}
}

// judgeAt is for the numbers whose meaning depends on the door.
func judgeAt(at step, a answer) (verdict, bool) {
	switch at {
	case stepShare:
		return judgeShare(a.code)
	case stepList, stepStat, stepShared:
		if slices.Contains([]int{-9, 31066, 31190, -3, -31066}, a.code) {
			return verdict{do: absent, reason: ReasonMissing}, true
		}
	case stepSlice:
		return judgeSlice(a)
	case stepPrecreate, stepCreate:
		return judgeName(at, a.code)
	default:
	}
	return verdict{}, false
}

func judgeShare(code int) (verdict, bool) {
	switch code {
	case -1, -16, 115, -70, 110, -17, -10, -14, -15:
		return verdict{do: stop, reason: ReasonShare}, true
	case 13998:
		return verdict{do: stop, reason: ReasonNoShare}, true
	case -9, 31066, -3:
		return verdict{do: stop, reason: ReasonMissing}, true
	}
	return verdict{}, false
}

func judgeSlice(a answer) (verdict, bool) {
	switch a.code {
	case 31363, 31190:
		return verdict{do: reopen, reason: ReasonServer}, true
	case 31364:
		return verdict{do: smaller, reason: ReasonTooLarge}, true
	case 31355:
		return verdict{do: relocate, reason: ReasonServer}, true
	case 31299:
		switch {
		case strings.Contains(a.text, "part_id"):
			return verdict{do: smaller, reason: ReasonRefused}, true // the count is too large: another size is needed
		case strings.Contains(a.text, "Time Not Match"):
			return verdict{do: repeat, reason: ReasonServer, heavy: true}, true
		}
		return verdict{do: fresh, reason: ReasonServer}, true
	}
	return verdict{}, false
}

func judgeName(at step, code int) (verdict, bool) {
	switch code {
	case -7, 31062, 108:
		return verdict{do: rename, reason: ReasonName}, true
	case -8, 31061, -30, 12:
		return verdict{do: taken, reason: ReasonExists}, true
	case 31079:
		return verdict{do: plainly, reason: ReasonServer}, true
	case 31363, 31190:
		return verdict{do: reopen, reason: ReasonServer}, true
	case 10:
		if at == stepCreate {
			return verdict{do: incomplete, reason: ReasonServer}, true
		}
	case 31352, 31353, 31081, 31083:
		if at == stepCreate {
			return verdict{do: uncommitted, reason: ReasonServer}, true
		}
	}
	return verdict{}, false
}

// judgeCode is for the numbers that mean the same everywhere.
func judgeCode(oauth bool, code int) verdict {
	switch code {
	case 31034, 42000, 4, 18, 20012:
		return verdict{do: slow, reason: ReasonRate}
	case 17, 19, 31219, 31220:
		return verdict{do: stop, reason: ReasonDaily}
	case 2:
		return verdict{do: repeatOnce, reason: ReasonRefused}
	case 31023, 31490, 31208, 31299:
		return verdict{do: stop, reason: ReasonRefused}
	case 3:
		if oauth {
			return verdict{do: stop, reason: ReasonRefused}
		}
		return verdict{do: renew, reason: ReasonLogin}
	case 6:
		if oauth {
			return verdict{do: settle, reason: ReasonPermission}
		}
		return verdict{do: renew, reason: ReasonLogin}
	case -6, 31041, 31042, 31043, 31044, 31045, 31461, 31462, 36004, -4, -11, 110, 111, 112, 31460:
		return verdict{do: renew, reason: ReasonLogin}
	case 9019, 8002:
		return verdict{do: risk, reason: ReasonVerify}
	case 132:
		return verdict{do: stop, reason: ReasonVerify}
	case 31062, -7:
		return verdict{do: stop, reason: ReasonName}
	case 31064, 42213:
		return verdict{do: stop, reason: ReasonPath}
	case 31024:
		return verdict{do: stop, reason: ReasonPermission}
	case 31365, 31364:
		return verdict{do: stop, reason: ReasonTooLarge}
	case -10, 31112, 31218, 31450:
		return verdict{do: stop, reason: ReasonSpace}
	case 9100, 9200, 9300, 9400, 9500:
		return verdict{do: stop, reason: ReasonBanned}
	}
	return verdict{do: repeat, reason: ReasonServer} // 31021 31022 31025 31209 31212…31215 31500 31591 1 -9999 and the unknown
}

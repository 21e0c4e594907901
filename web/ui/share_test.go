package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// shared is a recording whose upload has this link.
func shared(n int, link tasks.Share) tasks.Recording {
	const done = tasks.StepDone
	r := recording(n, tasks.Finished, time.Duration(n)*time.Hour, done, done, done)
	r.Steps[1].Output = &tasks.Output{Location: "baidu:/apps/NGlive/23058/今晚.mp4", Share: &link}
	return r
}

// listenToCopies keeps what a button copies: by the clipboard's interface, and by hand where a page has none.
const listenToCopies = `navigator.clipboard.writeText = async (text) => { globalThis.copied = text; };
	document.addEventListener('copy', () => { globalThis.copied = 'by hand: ' + getSelection(); }); true`

func TestPage_showsAShareLinkWithItsPasswordAndEnd(t *testing.T) {
	s := newServer(t)
	const link = "https://pan.baidu.com/s/1Abc-def?pwd=k7q2"
	s.recordings = []tasks.Recording{
		shared(1, tasks.Share{Link: link, Password: "k7q2", ExpiresAt: time.Now().Add(7*24*time.Hour + time.Minute)}),
		shared(2, tasks.Share{Link: "https://pan.baidu.com/s/1old", Password: "zz99", ExpiresAt: time.Now().Add(-time.Hour)}),
		shared(3, tasks.Share{Link: "https://pan.baidu.com/s/1ever"}),
		recording(4, tasks.Finished, 4*time.Hour, tasks.StepDone, tasks.StepDone, tasks.StepDone),
	}
	s.recordings[2].Steps[1].Output.Parts = []tasks.Part{{Path: "23058/今晚.p02.mp4", Share: &tasks.Share{Link: "https://pan.baidu.com/s/1part"}}}
	p := openPage(t, s, "zh-CN")
	p.wait(`document.querySelectorAll('.row').length === 4`)
	p.wait(`document.querySelectorAll('.share').length === 4 && !document.querySelector('.row:last-child .share')`)
	p.waitText(".row:nth-child(1) .share", "提取码：k7q2")
	p.waitText(".row:nth-child(1) .share time", "（7天后）")
	p.waitText(".row:nth-child(2) .share time", "过期")
	p.waitText(".row:nth-child(3) .share", "长期有效")
	p.waitText(".row:nth-child(3) .share", "今晚.p02.mp4")
	p.wait(`[...document.querySelectorAll('.share a')].every((a) => a.rel === 'noopener noreferrer' && a.target === '_blank')`)
	value[bool](p, listenToCopies)
	p.click(".row:nth-child(1) .share button")
	p.waitText(".row:nth-child(1) .share button", "已复制")
	if got, want := value[string](p, `copied`), link+" 提取码：k7q2"; got != want {
		t.Errorf("it copied %q, want %q", got, want)
	}
	value[bool](p, `Object.defineProperty(window, 'isSecureContext', {value: false}) && true`)
	p.click(".row:nth-child(2) .share button")
	p.waitText(".row:nth-child(2) .share button", "已复制")
	if got, want := value[string](p, `copied`), "by hand: https://pan.baidu.com/s/1old 提取码：zz99"; got != want {
		t.Errorf("it copied %q, want %q", got, want)
	}
}

// A link comes from outside. What is no address of the web is shown, and leads nowhere.
func TestPage_makesNoLinkOfAHostileShare(t *testing.T) {
	s := newServer(t)
	hostile := []string{
		"javascript:document.title='taken'", "data:text/html,<script>1</script>", "http://pan.baidu.com/s/1", "https://pan.baidu.com@evil.example/s/1",
		`"><img src=x onerror="document.title='taken'">`, "//evil.example/s/1",
	}
	for i, link := range hostile {
		s.recordings = append(s.recordings, shared(i+1, tasks.Share{Link: link, Password: "<b>k7q2</b>"}))
	}
	p := openPage(t, s, "en")
	p.wait(`document.querySelectorAll('.share').length === 6 && !document.querySelector('.share a, .share img, .share .copied b')`)
	for _, link := range hostile {
		p.waitText(".share .copied", link+" password: <b>k7q2</b>")
	}
	if title := value[string](p, `document.title`); strings.Contains(title, "taken") {
		t.Error("a link ran as a script")
	}
}

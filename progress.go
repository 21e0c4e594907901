package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ngworks/nglive/tasks"
)

// display shows a person what happens to recordings.
type display interface {
	event(name string, e tasks.Event)
	close()
}

// newDisplay gives a live bar on a terminal and plain lines elsewhere. Several
// recordings at once would fight for one bar: they get lines.
func newDisplay(w io.Writer, recordings int) display {
	if recordings == 1 && isTerminal(w) {
		return &barDisplay{lines: lineDisplay{w: w, quiet: true, shown: map[string]int{}}}
	}
	return &lineDisplay{w: w, shown: map[string]int{}}
}

// lineDisplay writes a line for every event that matters, and for every tenth
// of the way.
type lineDisplay struct {
	w     io.Writer
	quiet bool           // no progress
	shown map[string]int // name and step → the last tenth that was shown
}

func (d *lineDisplay) event(name string, e tasks.Event) {
	if e.COMP != nil && live(e.CMD) {
		key, tenth := name+e.STEP, *e.COMP/10
		if !d.quiet && tenth > d.shown[key] {
			d.shown[key] = tenth
			_, _ = fmt.Fprintf(d.w, "%s: %s %d%%%s\n", name, inWords(e), *e.COMP, speed(e))
		}
		return
	}
	words := inWords(e)
	if words == "" {
		return
	}
	if e.MSG != "" {
		words += ": " + e.MSG
	}
	_, _ = fmt.Fprintf(d.w, "%s: %s\n", name, words)
}

func (d *lineDisplay) close() {}

// barDisplay shows the step that is under way as a bar, and lines for the rest.
type barDisplay struct {
	lines lineDisplay
	bar   *progressbar.ProgressBar
	step  string
}

func (d *barDisplay) event(name string, e tasks.Event) {
	if e.COMP == nil || !live(e.CMD) {
		d.close()
		d.lines.event(name, e)
		return
	}
	if d.bar == nil || d.step != e.STEP {
		d.close()
		d.step = e.STEP
		d.bar = progressbar.NewOptions(100,
			progressbar.OptionSetWriter(d.lines.w),
			progressbar.OptionSetDescription(inWords(e)+speed(e)),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(50*time.Millisecond))
	}
	_ = d.bar.Set(min(*e.COMP, 99)) // the step's end says 100
	d.bar.Describe(inWords(e) + speed(e))
}

// close takes the bar off the screen.
func (d *barDisplay) close() {
	if d.bar != nil {
		_ = d.bar.Clear()
		d.bar = nil
	}
}

func live(cmd string) bool { return cmd == tasks.IsTranscode || cmd == tasks.IsUp }

func speed(e tasks.Event) string {
	text := ""
	if e.BPS > 0 {
		text = " " + bytesText(uint64(e.BPS)) + "/s"
	}
	if e.ETA > 0 {
		text += " " + (time.Duration(e.ETA) * time.Second).String()
	}
	return text
}

// inWords says an event in both languages; empty = not worth a line.
func inWords(e tasks.Event) string {
	switch e.CMD {
	case tasks.FileOpening:
		return "being recorded / 录制中"
	case tasks.FileClosed:
		return "taken in / 已收到录像"
	case tasks.TranscodeStarted:
		return "transcode begins / 开始转码"
	case tasks.IsTranscode:
		return "transcode 转码"
	case tasks.TranscodeEnded:
		return "transcode done and checked / 转码完成并校验通过"
	case tasks.TranscodeError:
		return "transcode failed / 转码失败"
	case tasks.UpStarted:
		return "upload begins / 开始上传"
	case tasks.IsUp:
		return "upload 上传"
	case tasks.UpEnded:
		return "upload done and checked / 上传完成并校验通过"
	case tasks.UpError:
		return "upload failed / 上传失败"
	case tasks.NotifyEnded:
		return "notified / 已通知"
	case tasks.NotifyError:
		return "notification failed / 通知失败"
	case tasks.DeleteEnded:
		return "source removed / 已删除源文件"
	case tasks.DeleteError:
		return "source not removed / 删除源文件失败"
	case tasks.StepHeld:
		return e.STEP + " waits / 等待中"
	case tasks.StepRetry:
		return e.STEP + " tries again / 将重试"
	case tasks.StepLeftOut:
		return e.STEP + " left out / 已跳过"
	case tasks.FlowFinished:
		switch e.STATE {
		case tasks.Finished, "":
			return "finished / 全部完成"
		case tasks.Cancelled:
			return "cancelled / 已取消"
		case tasks.Skipped:
			return "left alone / 不处理"
		default:
			return "not finished / 未完成"
		}
	}
	return ""
}

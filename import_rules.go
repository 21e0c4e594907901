package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/ini.v1"
)

// migration is a config.ini on its way to a .env.
type migration struct {
	iniPath, outPath string
	values           map[string]string // "section.key" in small letters
	lines            []movedLine
	remarks          []remark
	dropped          []string // names only: a value may be a secret
}

// movedLine is one setting of the new file and where it came from.
type movedLine struct {
	from, name, value string
	off               bool // written as a comment
	note              remark
}

// remark says what changed its meaning, in both languages of our users.
type remark struct{ en, zh string }

// shown is the value as it may be printed.
func (l movedLine) shown() string {
	switch l.name {
	case "NGLIVE_REVERSE_WS_URL":
		return SecretURL(l.value).String()
	case "NGLIVE_TOKEN":
		return Secret(l.value).String()
	}
	return l.value
}

// migrate applies one rule after the other; what no rule took is listed.
func migrate(file *ini.File, iniPath, outPath string) *migration {
	m := &migration{iniPath: iniPath, outPath: outPath, values: map[string]string{}}
	for _, section := range file.Sections() {
		if strings.TrimSpace(section.Body()) != "" {
			m.dropped = append(m.dropped, "["+strings.ToUpper(section.Name())+"]")
		}
		for _, key := range section.Keys() {
			// %% is how Python's configparser wrote one percent sign.
			m.values[section.Name()+"."+key.Name()] = strings.ReplaceAll(key.Value(), "%%", "%")
		}
	}
	m.moveListener()
	m.moveRecorder()
	m.moveFolder("works_path", "RECORDINGS_DIR", remark{})
	m.moveFolder("out_path", "OUTPUT_DIR", remark{})
	m.moveMaster()
	m.moveMode()
	m.moveEncoder()
	m.movePlain("crf", "TRANSCODE_CRF", "")
	m.movePlain("cqp", "TRANSCODE_CQ", "") // an early version's name for cq
	m.movePlain("cq", "TRANSCODE_CQ", "")
	m.movePlain("Bitrate", "TRANSCODE_BITRATE", "k")
	m.movePlain("bufsize", "TRANSCODE_BUFSIZE", "k")
	m.movePlain("preset", "TRANSCODE_PRESET", "")
	m.remarkOnUpload()
	m.dropRest()
	return m
}

// take removes a value from what is left; ok tells a value from an empty one.
func (m *migration) take(section, key string) (value string, ok bool) {
	name := section + "." + strings.ToLower(key)
	value = strings.TrimSpace(m.values[name])
	delete(m.values, name)
	return value, value != ""
}

func (m *migration) add(from, name, value string, n remark) {
	m.lines = append(m.lines, movedLine{from: from, name: settingPrefix + name, value: value, note: n})
}

// refuse lists a value that cannot be right in the new file either.
func (m *migration) refuse(from string, n remark) {
	m.dropped = append(m.dropped, from)
	m.remarks = append(m.remarks, n)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// moveListener joins NGhost and NGport, which the original only ever put into
// the recorder's webhook: it listened on 127.0.0.1:8100 all the same.
func (m *migration) moveListener() {
	host, _ := m.take("basic", "NGhost")
	port, hasPort := m.take("basic", "NGport")
	if host == "" && !hasPort {
		return
	}
	if !hasPort {
		port = "8100"
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if !isPort(port) {
		m.refuse("NGport", remark{"NGport is no port number; NGlive listens on its default.", "NGport 不是端口号，将使用默认监听地址。"})
		return
	}
	address := net.JoinHostPort(strings.Trim(host, "[]"), port)
	n := remark{}
	if address != "127.0.0.1:8100" {
		n = remark{
			"The original always listened on 127.0.0.1:8100 and only told the recorder this address. NGlive really listens here: it must be this machine's own.",
			"旧版始终监听 127.0.0.1:8100，此地址只写进了录播姬的 webhook；新版会真正监听它，必须是本机地址。",
		}
	}
	m.add("NGhost, NGport", "LISTEN", address, n)
	if !loopback(address) {
		m.add("(new)", "TOKEN", hex.EncodeToString(randomBytes(24)), remark{
			"Other machines can reach this address, so NGlive asks for a token. A random one stands in the file; sign in with it.",
			"该地址可被其他机器访问，必须设置访问令牌。已在文件中生成随机令牌，用它登录。",
		})
	}
}

// moveRecorder covers the recorder's program and the port of its API.
func (m *migration) moveRecorder() {
	if port, ok := m.take("basic", "api_port"); ok && isPort(port) {
		m.add("api_port", "RECORDER_LISTEN", "127.0.0.1:"+port, remark{})
	} else if ok {
		m.refuse("api_port", remark{"api_port is no port number; the default stays.", "api_port 不是端口号，将使用默认值。"})
	}
	m.moveFolder("RecorderPath", "RECORDER_PATH", remark{
		"The recorder that came with the original (1.4.0) is too old: put a current BililiveRecorder.Cli there.",
		"旧版自带的录播姬（1.4.0）过旧，请换成新版 BililiveRecorder.Cli。",
	})
}

// moveFolder carries a path: relative ones keep meaning the same place, and
// those of another system are written but switched off.
func (m *migration) moveFolder(key, name string, n remark) {
	path, ok := m.take("basic", key)
	if !ok {
		return
	}
	path = strings.Trim(path, `"'`)
	if len(path) > 3 && path[1] == ':' { // F:\\rec, as the sample had it, is F:\rec
		path = path[:2] + strings.ReplaceAll(path[2:], `\\`, `\`)
	}
	if trimmed := strings.TrimRight(path, `\`); trimmed != path { // no .env can end a value in \
		path = trimmed
		if len(path) <= 2 { // a whole drive
			path += "/"
		}
	}
	if runtime.GOOS == "windows" {
		m.add(key, name, m.anchored(path), n)
		return
	}
	if foreignWindowsPath(path) || strings.HasSuffix(strings.ToLower(path), ".exe") {
		m.lines = append(m.lines, movedLine{key, settingPrefix + name, path, true, remark{
			"This is a path of Windows and this machine is not Windows, so the line is switched off: NGlive uses its default until you put a path of this machine there.",
			"这是 Windows 路径，而本机不是 Windows，因此该行未启用：请改成本机路径，改好之前使用默认值。",
		}})
		return
	}
	m.add(key, name, m.anchored(strings.ReplaceAll(path, `\`, "/")), n)
}

// anchored makes a relative path absolute where the two files lie apart.
func (m *migration) anchored(path string) string {
	if filepath.IsAbs(path) || sameFolder(m.iniPath, m.outPath) {
		return path
	}
	base, err := filepath.Abs(filepath.Dir(m.iniPath))
	if err != nil {
		return path
	}
	return filepath.Join(base, path)
}

func (m *migration) moveMaster() {
	address, ok := m.take("basic", "wspath")
	if !ok {
		return
	}
	if checkURL("REVERSE_WS_URL", address, "ws", "wss") != nil {
		m.refuse("wspath", remark{"wspath does not begin with ws:// or wss://.", "wspath 不是 ws:// 或 wss:// 地址。"})
		return
	}
	n := remark{
		"The address holds the master's token: it stands in the file and is not printed. NGlive keeps reconnecting and replays what was missed; the original dropped it.",
		"地址中含有令牌，只写入文件、不在此显示。断线期间的事件会补发，旧版会丢失。",
	}
	if strings.Contains(address, "lb.ngworks.cn/nglive/nglive_xa/") {
		n = remark{
			"This looks like the sample address that came with the original: delete the line unless that master is yours.",
			"这像是旧版自带的示例地址：若不是你自己的服务器，请删除该行。",
		}
	}
	m.add("wspath", "REVERSE_WS_URL", address, n)
}

func (m *migration) moveMode() {
	model, ok := m.take("transcode", "model")
	if !ok {
		return
	}
	var mode Mode
	if mode.UnmarshalText([]byte(model)) != nil {
		m.refuse("model", remark{"model is none of COPY, CRF, CQ, B, ABR, VBR; NGlive uses COPY.", "model 不是 COPY、CRF、CQ、B、ABR、VBR 之一，将使用 COPY。"})
		return
	}
	m.add("model", "TRANSCODE_MODE", string(mode), modeNote(mode))
}

// modeNote compares with what x264 really ran under the original's arguments.
func modeNote(mode Mode) remark {
	switch mode {
	case "COPY":
		return remark{
			"COPY did not copy in the original: its command asked x264 for a full re-encode and ended in an error. Now it only repackages FLV as MP4: fast, and without loss.",
			"旧版的 COPY 并不是复制：命令实际要求 x264 重新编码，并以报错告终。现在是真正的转封装：快速、无损。",
		}
	case "CQ":
		return remark{
			"Same as before (-qp). For the same number CRF makes files about half the size; consider NGLIVE_TRANSCODE_MODE=CRF.",
			"与旧版相同（-qp）。同样数值下 CRF 的文件约小一半，可考虑改用 CRF。",
		}
	case "B":
		return remark{
			"B was meant as a fixed bitrate, but the original ran an average one (x264 abr). Now it is constant. For the old result choose ABR.",
			"B 本应是固定码率，旧版实际是平均码率（x264 abr）。现在是真正的固定码率；想要旧效果请选 ABR。",
		}
	case "ABR":
		return remark{
			"ABR was meant as an average, but with bufsize the original ran a constant bitrate (x264 cbr). Now it is an average over the file. For the old result choose B.",
			"ABR 本应是平均码率，旧版因 bufsize 实际是固定码率（x264 cbr）。现在是全片平均码率；想要旧效果请选 B。",
		}
	case "VBR":
		return remark{
			"VBR had no bitrate in the original: x264 ignored bufsize and ran CRF 23. Now Bitrate is the average, with limited peaks. For the old result choose CRF with NGLIVE_TRANSCODE_CRF=23.",
			"旧版的 VBR 没有用到码率：x264 忽略 bufsize，实际是 CRF 23。现在以 Bitrate 为平均码率并限制峰值；想要旧效果请选 CRF，并设 NGLIVE_TRANSCODE_CRF=23。",
		}
	}
	return remark{"Same as before.", "与旧版相同。"}
}

func (m *migration) moveEncoder() {
	name, ok := m.take("transcode", "encoder")
	if !ok {
		return
	}
	var encoder Encoder
	if encoder.UnmarshalText([]byte(name)) != nil {
		m.refuse("encoder", remark{"encoder is no name of an encoder; NGlive uses libx264.", "encoder 不是编码器名，将使用 libx264。"})
		return
	}
	m.add("encoder", "TRANSCODE_ENCODER", string(encoder), remark{})
}

// movePlain carries a number or a word; unit is what the original put behind it.
func (m *migration) movePlain(key, name, unit string) {
	value, ok := m.take("transcode", key)
	if !ok {
		return
	}
	value = strings.TrimSuffix(strings.ToLower(value), unit)
	if _, err := LoadConfig([]string{settingPrefix + name + "=" + value + unit}, ""); err != nil {
		m.refuse(key, remark{
			fmt.Sprintf("%s does not fit NGLIVE_%s; the default stays.", key, name),
			fmt.Sprintf("%s 的值不适用于 NGLIVE_%s，将使用默认值。", key, name),
		})
		return
	}
	m.lines = slices.DeleteFunc(m.lines, func(l movedLine) bool { return l.name == settingPrefix+name })
	m.add(key, name, value+unit, remark{})
}

func (m *migration) remarkOnUpload() {
	m.remarks = append(m.remarks, remark{
		"The original uploaded to Baidu Netdisk with password.py. NGlive copies finished videos to NGLIVE_ARCHIVE_DIR; for Baidu Netdisk set NGLIVE_UPLOAD_TARGET=baidu as docs/baidu.md says, and run `nglive baidu login`",
		"旧版用 password.py 上传到百度网盘。新版默认把成品复制到 NGLIVE_ARCHIVE_DIR；上传百度网盘请按 docs/baidu.zh-CN.md 设置 NGLIVE_UPLOAD_TARGET=baidu，并运行 nglive baidu login。",
	}, remark{
		"The order of the steps (first_factory and second_factory in initial.py) is now a flow that you change through the API (docs/flows.md); the default is transcode, upload, notify.",
		"步骤顺序（initial.py 中的 first_factory、second_factory）现在是一个流程，可通过接口修改（见 docs/flows.zh-CN.md），默认为 转码 → 上传 → 通知。",
	})
}

// dropRest names what is left, in a fixed order.
func (m *migration) dropRest() {
	var rest []string
	for name, value := range m.values {
		section, key, _ := strings.Cut(name, ".")
		switch {
		case value == "":
		case section == "default":
			rest = append(rest, key)
		default:
			rest = append(rest, "["+strings.ToUpper(section)+"] "+key)
		}
	}
	slices.Sort(rest)
	m.dropped = append(m.dropped, slices.Compact(rest)...)
}

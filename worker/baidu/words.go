package baidu

import (
	"slices"
	"strings"
)

// sentence is what a reason means for the upload and for people. {account}, {file}, {limit}, {max} are filled in.
type sentence struct {
	class   string
	account bool
	en, zh  string
}

// about fills in a word of the sentences.
func (e *Error) about(what, value string) *Error {
	r := strings.NewReplacer("{"+what+"}", value)
	e.en, e.zh = r.Replace(e.en), r.Replace(e.zh)
	return e
}

// wordsOf is the table of everything that goes wrong.
func wordsOf(r Reason) sentence {
	if s, ok := accountWords()[r]; ok {
		s.account = true
		return s
	}
	if s, ok := fileWords()[r]; ok {
		return s
	}
	return fileWords()[ReasonServer]
}

// accountWords are of what stops a whole account.
func accountWords() map[Reason]sentence {
	return map[Reason]sentence{
		ReasonSpace:      {class: classSpace, en: "The netdisk of {account} is full. Delete something there or buy room; the upload goes on by itself.", zh: "{account} 的网盘空间已满。请清理或扩容，上传会自动继续。"},
		ReasonLogin:      {class: classTell, en: "Baidu no longer accepts the login of {account}. Run `nglive baidu login` (or enter a fresh BDUSS and the STOKEN of pan.baidu.com), then retry.", zh: "{account} 的百度登录已失效。请重新执行 nglive baidu login（或填入新的 BDUSS 和 pan.baidu.com 的 STOKEN），然后重试。"},
		ReasonVerify:     {class: classTell, en: "Baidu wants {account} to be verified. Open the Baidu Netdisk app with this account, pass its check, then retry.", zh: "百度要求 {account} 进行安全验证。请用该账号打开百度网盘 App 完成验证，然后重试。"},
		ReasonBanned:     {class: classTell, en: "Baidu has banned {account}. Open Baidu Netdisk to see why and until when, then retry.", zh: "{account} 已被百度封禁。请打开百度网盘查看原因和期限，然后重试。"},
		ReasonDaily:      {class: classAgain, en: "{account} has reached Baidu's limit of the day. It goes on tomorrow by itself.", zh: "{account} 已达到百度当天的限额，明天会自动继续。"},
		ReasonPermission: {class: classTell, en: "Baidu does not let the application of {account} upload. Apply for the upload permission at pan.baidu.com/union (a new application needs some minutes), then retry.", zh: "百度没有给 {account} 的应用开通上传权限。请在 pan.baidu.com/union 申请（新应用需等几分钟），然后重试。"},
	}
}

// fileWords are of what stops one file.
func fileWords() map[Reason]sentence {
	return map[Reason]sentence{
		ReasonNetwork:    {class: classAgain, en: "Baidu cannot be reached or breaks off. If this stays so, check this machine's network; the upload goes on from where it stopped.", zh: "无法连接百度或连接中断。若持续出现请检查网络；上传会从断点继续。"},
		ReasonServer:     {class: classAgain, en: "Baidu has trouble at the moment. The upload goes on by itself from where it stopped.", zh: "百度服务暂时异常，上传会自动从断点继续。"},
		ReasonRate:       {class: classAgain, en: "Baidu asks {account} to slow down. The upload goes on by itself.", zh: "百度要求 {account} 降低请求频率，上传会自动继续。"},
		ReasonTooLarge:   {class: classTell, en: "{file} is larger than the membership of {account} allows ({max}). Let the flow split it, or raise the membership, then retry.", zh: "{file} 超过 {account} 会员等级允许的单文件大小（{max}）。请在流程中启用分割或升级会员，然后重试。"},
		ReasonName:       {class: classNever, en: "Baidu does not take the name {file}. Choose another name.", zh: "百度不接受文件名 {file}，请改名。"},
		ReasonPath:       {class: classTell, en: "{file} is not in the application's own folder ({folder}). Correct the target's path in the flow or settings, then retry.", zh: "{file} 不在应用目录（{folder}）内。请修改流程或设置中的目标路径，然后重试。"},
		ReasonEmpty:      {class: classNever, en: "{file} is empty, and Baidu takes no empty files.", zh: "{file} 是空文件，百度不接受空文件。"},
		ReasonExists:     {class: classExists, en: "Another file is already at {file} in the netdisk. Move or rename that one, or choose to replace it.", zh: "网盘中 {file} 已存在其他内容的文件。请移动或改名，或选择覆盖。"},
		ReasonMissing:    {class: classAgain, en: "{file} is not in the netdisk. Upload it again.", zh: "网盘中没有 {file}，请重新上传。"},
		ReasonDiffers:    {class: classExists, en: "The file at {file} in the netdisk is not the one that was uploaded. Do not delete the original; move that file away and upload again.", zh: "网盘中的 {file} 与上传的不一致。请勿删除原文件；移走网盘中的文件后重新上传。"},
		ReasonChanged:    {class: classAgain, en: "{file} was still being written while it was uploaded. It is tried again; nothing has to be done.", zh: "{file} 在上传过程中被修改，将自动重试，无需处理。"},
		ReasonUnreadable: {class: classAgain, en: "{file} could not be read. If this stays so, check the disk it is on.", zh: "{file} 无法读取。若持续出现请检查所在磁盘。"},
		ReasonStopped:    {class: classAgain, en: "Uploading {file} was stopped. The next try goes on from there.", zh: "{file} 的上传已停止，下次会从断点继续。"},
		ReasonShare:      {class: classTell, en: "Baidu makes no share link of {file}. The file stays uploaded; share it by hand if you need to.", zh: "百度拒绝为 {file} 创建分享链接。文件已上传，如有需要请手动分享。"},
		ReasonNoShare:    {class: classTell, en: "{account} cannot make share links: Baidu's open platform sells that to enterprises only. Add a cookie (BDUSS and STOKEN) for sharing, or switch the link off in the flow.", zh: "{account} 无法创建分享链接：百度开放平台只向企业出售该功能。请为分享添加 Cookie（BDUSS 和 STOKEN），或在流程中关闭分享。"},
		ReasonRefused:    {class: classNever, en: "Baidu does not understand the request for {file}; its interface has probably changed. Look for a newer version of this program.", zh: "百度无法识别 {file} 的请求，接口可能已变化。请检查本程序是否有新版本。"},
		ReasonCorrupt:    {class: classAgain, en: "Parts of {file} arrive at Baidu other than they were sent. If this stays so, check the network and this machine's memory.", zh: "{file} 的分片在传输中损坏。若持续出现请检查网络和内存。"},
		ReasonDeclined:   {class: classTell, en: "The login of {account} was declined. Start it again and confirm it on Baidu's page.", zh: "{account} 的授权被拒绝。请重新登录并在百度页面上确认。"},
		ReasonExpired:    {class: classTell, en: "The login code of {account} is too old. Start the login again.", zh: "{account} 的登录码已过期，请重新登录。"},
		ReasonJournal:    {class: classAgain, en: "The node's journal cannot be written. Check that DATA_DIR's disk has room and is healthy.", zh: "节点日志无法写入。请检查 DATA_DIR 所在磁盘的空间和状态。"},
	}
}

// forgetful: with these the kept session is of no use.
func forgetful(r Reason) bool { return slices.Contains([]Reason{ReasonChanged, ReasonTooLarge}, r) }

// Package handlers is NGlive's HTTP API: typed, documented operations that read and change what Redis holds. A handler keeps
// nothing between two requests, opens no file, runs no program and calls no recorder.
package handlers

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ngworks/nglive/tasks"
)

// Deps is what the operations work with.
type Deps struct {
	Store    *tasks.Store
	Queue    *tasks.Queue
	Vault    *tasks.Vault   // credentials that a person brings go into it, and none comes out
	Node     string         // a webhook without ?node= belongs to it
	Defaults tasks.Defaults // used while a node has not told its own
	// Recordings and PathMaps are the own node's, used while its worker has not told them.
	Recordings string
	PathMaps   []tasks.PathMap
	// Login answers a token with the cookie that stands for it, or false when the token is wrong. No cookie and true means that
	// no token is needed here.
	Login func(ctx context.Context, token string) (*http.Cookie, bool)
	// Checks are asked by /readyz, after Redis itself.
	Checks []Check
	Log    *slog.Logger
}

// Check is one condition of being ready. Its error is shown to people as it is.
type Check struct {
	Name string
	Run  func(context.Context) error
}

type handlers struct {
	Deps
	nodes nodeCache
}

// Register puts every operation on the mux. Who may call them is decided before, by the guard in web.
func Register(mux *http.ServeMux, d Deps) huma.API {
	useOwnErrors()
	d.Log = cmp.Or(d.Log, slog.New(slog.DiscardHandler))
	h := &handlers{Deps: d}
	api := humago.New(exactMux{mux}, config())

	registerWebhooks(api, h)

	huma.Register(api, route{"list-recordings", "GET /api/recordings", "Recordings", "List recordings 列出录像", "Newest first. `next_cursor` is empty on the last page; `counts` covers all recordings."}.op(), h.listRecordings)
	huma.Register(api, route{"get-recording", "GET /api/recordings/{id}", "Recordings", "Read a recording 查看录像", "With the flow it copied when it started."}.op(), h.getRecording)
	huma.Register(api, route{"retry-recording", "POST /api/recordings/{id}/retry", "Recordings", "Go on after a failure 重试录像", "Does the failed or cancelled step again and then the rest; what is done stays done."}.op(), h.retryRecording)
	huma.Register(api, route{"cancel-recording", "POST /api/recordings/{id}/cancel", "Recordings", "Stop the work on a recording 取消录像", "The step at work is stopped; retry goes on from there."}.op(), h.cancelRecording)
	huma.Register(api, route{"run-recording", "POST /api/recordings/{id}/run", "Recordings", "Run a flow on a recording 运行流程", "From its first step, on the recorder's own file."}.op(), h.runRecording)
	huma.Register(api, route{"run-found-recordings", "POST /api/recordings/found/run", "Recordings", "Work on older files 处理旧文件", foundDoc}.op(), h.runFound)

	huma.Register(api, route{"list-broadcasts", "GET /api/broadcasts", "Recordings", "List broadcasts 列出场次", broadcastsDoc}.op(), h.listBroadcasts)

	huma.Register(api, route{"list-tasks", "GET /api/tasks", "Tasks", "List queues and their tasks 列出队列与任务", "Active tasks first, then retry, pending, scheduled, archived, completed."}.op(), h.listTasks)
	huma.Register(api, route{"create-transcode-task", "POST /api/tasks/transcode", "Tasks", "Transcode a file by hand 手动转码", byHandDoc}.accepted(), h.transcodeByHand)
	huma.Register(api, route{"create-upload-task", "POST /api/tasks/upload", "Tasks", "Upload a file by hand 手动上传", byHandDoc}.accepted(), h.uploadByHand)
	huma.Register(api, route{"create-notify-task", "POST /api/tasks/notify", "Tasks", "Notify about a file, or send a test message 手动通知", byHandDoc + " With `message` alone: a test message to every channel, or to those in `with.channels`."}.accepted(), h.notifyByHand)
	huma.Register(api, route{"retry-task", "POST /api/tasks/{id}/retry", "Tasks", "Retry a task 重试任务", "A step's task goes on as its recording's next run; a notification is sent again."}.accepted(), h.retryTask)
	huma.Register(api, route{"cancel-task", "POST /api/tasks/{id}/cancel", "Tasks", "Cancel a task 取消任务", "A step's task stops the work on its recording."}.accepted(), h.cancelTask)

	huma.Register(api, route{"list-flows", "GET /api/flows", "Flows", "List flows 列出流程", "In the order in which they are asked whether they take a recording; the default one takes the rest."}.op(), h.listFlows)
	huma.Register(api, route{"create-flow", "POST /api/flows", "Flows", "Create a flow 新建流程", flowDoc}.created(), h.createFlow)
	huma.Register(api, route{"get-flow", "GET /api/flows/{id}", "Flows", "Read a flow 查看流程", ""}.op(), h.getFlow)
	huma.Register(api, route{"change-flow", "PUT /api/flows/{id}", "Flows", "Change a flow 修改流程", flowDoc}.op(), h.changeFlow)
	huma.Register(api, route{"delete-flow", "DELETE /api/flows/{id}", "Flows", "Delete a flow 删除流程", "Recordings that copied it go on with their copy. Deleting `default` brings the built-in one back."}.gone(), h.deleteFlow)

	registerRooms(api, h)
	registerSeed(api, h)

	huma.Register(api, route{"list-nodes", "GET /api/nodes", "Nodes", "List nodes 列出节点", "What each worker tells about its machine; no secrets."}.op(), h.listNodes)
	huma.Register(api, route{"list-targets", "GET /api/targets", "Nodes", "List upload targets 列出上传目标", ""}.op(), h.listTargets)
	registerBaidu(api, h)
	huma.Register(api, route{"list-channels", "GET /api/channels", "Nodes", "List notification channels 列出通知渠道", "Without their addresses."}.op(), h.listChannels)
	huma.Register(api, route{"list-events", "GET /api/events", "Events", "Read events, or wait for them 读取事件", eventsDoc}.op(), h.listEvents)

	huma.Register(api, route{"login", "POST /api/login", "Access", "Get a cookie for a token 登录", "Sets an HttpOnly cookie, so that a browser reaches the dashboard and the feed."}.public(), h.login)
	huma.Register(api, route{"get-health", "GET /healthz", "Health", "Is the process alive? 存活检查", ""}.public(), h.healthz)
	huma.Register(api, route{"get-readiness", "GET /readyz", "Health", "Can it do its work? 就绪检查", "503 while a check fails; each check is named."}.public(), h.readyz)

	serveSpec(mux, api)
	return api
}

// registerRooms puts what concerns the recorders' rooms on the mux.
func registerRooms(api huma.API, h *handlers) {
	huma.Register(api, route{"list-rooms", "GET /api/rooms", "Rooms", "List rooms and what they do 列出直播间", "Rooms in any node's recorder, rooms with a flow of their own, and rooms of recent recordings."}.op(), h.listRooms)
	huma.Register(api, route{"add-room", "POST /api/rooms", "Rooms", "Have a recorder record a room 添加直播间", changeDoc + " Its `outcome` is `unverified` when the recorder could not learn whether there is such a room."}.created(), h.postRoom)
	huma.Register(api, route{"get-room", "GET /api/rooms/{room}", "Rooms", "Read a room 查看直播间", ""}.op(), h.readRoom)
	huma.Register(api, route{"remove-room", "DELETE /api/rooms/{room}", "Rooms", "Take a room from its recorder 移除直播间", changeDoc + " What is being recorded is closed first, and goes through its flow."}.op(), h.change(tasks.RemoveRoom))
	huma.Register(api, route{"start-room", "POST /api/rooms/{room}/start", "Rooms", "Record now 开始录制", changeDoc + " Nothing happens while the streamer is away."}.op(), h.change(tasks.StartRoom))
	huma.Register(api, route{"stop-room", "POST /api/rooms/{room}/stop", "Rooms", "Stop recording this stream 停止录制", changeDoc + " The next stream is recorded again."}.op(), h.change(tasks.StopRoom))
	huma.Register(api, route{"split-room", "POST /api/rooms/{room}/split", "Rooms", "Go on in a new file 分段", changeDoc}.op(), h.change(tasks.SplitRoom))
	huma.Register(api, route{"refresh-room", "POST /api/rooms/{room}/refresh", "Rooms", "Ask Bilibili about the room anew 刷新直播间", changeDoc}.op(), h.change(tasks.RefreshRoom))
	huma.Register(api, route{"get-room-command", "GET /api/rooms/commands/{id}", "Rooms", "Follow a command to a recorder 查看命令结果", "Kept for 10 minutes."}.op(), h.getCommand)
	huma.Register(api, route{"set-room-flow", "PUT /api/rooms/{room}/flow", "Rooms", "Give a room its own flow 指定直播间流程", ""}.op(), h.setRoomFlow)
	huma.Register(api, route{"delete-room-flow", "DELETE /api/rooms/{room}/flow", "Rooms", "Take a room's own flow away 取消直播间流程", ""}.gone(), h.deleteRoomFlow)
	huma.Register(api, route{"list-blacklist", "GET /api/blacklist", "Rooms", "List rooms that must not be added 查看黑名单", blacklistDoc}.op(), h.listBlacklist)
	huma.Register(api, route{"add-blacklist-room", "POST /api/blacklist", "Rooms", "Put a room on the blacklist 加入黑名单", blacklistDoc}.created(), h.banRoom)
	huma.Register(api, route{"replace-blacklist", "PUT /api/blacklist", "Rooms", "Replace a whole list 替换黑名单", "For a master, whose list replaces its former one."}.op(), h.replaceBlacklist)
	huma.Register(api, route{"delete-blacklist-room", "DELETE /api/blacklist/{room}", "Rooms", "Take a room off the blacklist 移出黑名单", ""}.gone(), h.unbanRoom)
}

// registerBaidu puts what concerns accounts of Baidu Netdisk on the mux.
func registerBaidu(api huma.API, h *handlers) {
	huma.Register(api, route{"list-baidu-accounts", "GET /api/targets/baidu/accounts", "Baidu", "List accounts 列出网盘账号", "What a worker last heard of Baidu; no secrets."}.op(), h.listBaiduAccounts)
	huma.Register(api, route{"delete-baidu-account", "DELETE /api/targets/baidu/accounts/{account}", "Baidu", "Log an account out 退出网盘账号", "On every node. A cookie in the settings stays there."}.gone(), h.deleteBaiduAccount)
	huma.Register(api, route{"start-baidu-login", "POST /api/targets/baidu/login", "Baidu", "Log an account in 登录网盘账号", baiduLoginDoc}.accepted(), h.startBaiduLogin)
	huma.Register(api, route{"get-baidu-login", "GET /api/targets/baidu/login", "Baidu", "How a login stands 查看登录状态", ""}.op(), h.getBaiduLogin)
}

// registerWebhooks puts each recorder's address on the mux.
func registerWebhooks(api huma.API, h *handlers) {
	huma.Register(api, route{"receive-webhook", "POST /webhook", "Webhook", webhookSummary, webhookDoc}.open(), h.receive(readBililive))
	huma.Register(api, route{"receive-webhook-slash", "POST /webhook/", "Webhook", webhookSummary, webhookDoc}.open(), h.receive(readBililive))
	huma.Register(api, route{"receive-bililiverecorder", "POST /webhook/bililiverecorder", "Webhook", webhookSummary, webhookDoc}.open(), h.receive(readBililive))
	huma.Register(api, route{"receive-blrec", "POST /webhook/blrec", "Webhook", "Take an event from blrec 接收 blrec 事件", blrecDoc}.open(), h.receive(readBlrec))
	huma.Register(api, route{"receive-ddtv", "POST /webhook/ddtv", "Webhook", "Take an event from DDTV 接收 DDTV 事件", ddtvDoc}.open(), h.receive(readDDTV))
	huma.Register(api, route{"receive-oneliverec", "POST /webhook/oneliverec", "Webhook", "Take an event from OneLiveRec 接收 OneLiveRec 事件", oneDoc}.open(), h.receive(readOneLiveRec))
	huma.Register(api, route{"receive-custom", "POST /webhook/custom", "Webhook", "Take an event from anything else 接收自定义事件", customDoc}.open(), h.receive(readCustom))
	documentWebhooks(api)
}

// exactMux lets a path with a slash at its end stand for itself alone, not for all that is below.
type exactMux struct{ *http.ServeMux }

// HandleFunc registers one operation.
func (m exactMux) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	m.ServeMux.HandleFunc(pattern, f)
}

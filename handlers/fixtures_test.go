package handlers

import "strings"

// Bodies as BililiveRecorder's documentation shows them, and two of the same shape for what it does not show.
const (
	sessionStarted = `{"EventType":"SessionStarted","EventTimestamp":"2021-05-14T17:52:44.4960899+08:00","EventId":"e3e1c9ec-f386-4bc3-9e5a-661bf3ed2fb2","EventData":{"SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true}}`
	fileOpening    = `{"EventType":"FileOpening","EventTimestamp":"2021-05-14T17:52:50.5256394+08:00","EventId":"6e7b33e5-4695-4d25-87ee-b09f66e20ba0","EventData":{"RelativePath":"23058-3号直播间/录制-23058-20210514-175250-哔哩哔哩音悦台.flv","FileOpenTime":"2021-05-14T17:52:50.5246401+08:00","SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true}}`
	fileClosed     = `{"EventType":"FileClosed","EventTimestamp":"2021-05-14T17:52:54.9461101+08:00","EventId":"98f85267-e08c-4f15-ad9a-1fc463d42b0b","EventData":{"RelativePath":"23058-3号直播间/录制-23058-20210514-175250-哔哩哔哩音悦台.flv","FileSize":816412,"Duration":4.992,"FileOpenTime":"2021-05-14T17:52:50.5246401+08:00","FileCloseTime":"2021-05-14T17:52:54.9461101+08:00","SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true}}`
	sessionEnded   = `{"EventType":"SessionEnded","EventTimestamp":"2021-05-14T17:52:54.9481095+08:00","EventId":"e1f4a36e-e34c-4ada-80bb-f6cfc90e99e9","EventData":{"SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true}}`
	streamStarted  = `{"EventType":"StreamStarted","EventTimestamp":"2022-05-17T18:17:29.1604718+08:00","EventId":"2aafd4be-4a6d-44f6-9178-5b04d1929140","EventData":{"RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"电台","AreaNameChild":"唱见电台","Recording":false,"Streaming":true,"DanmakuConnected":false}}`
	streamEnded    = `{"EventType":"StreamEnded","EventTimestamp":"2022-05-17T18:18:21.3751494+08:00","EventId":"b49b0ed1-2d8f-43a6-b5c6-dece91e5402d","EventData":{"RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台","AreaNameParent":"电台","AreaNameChild":"唱见电台","Recording":false,"Streaming":false,"DanmakuConnected":false}}`
	versionOne     = `{"EventRandomId":"bc2d0a41-2711-4f9b-8619-e54104fe90d8","RoomId":14846654,"Name":"小司无常","Title":"【跨界冥神】打mua将！","RelativePath":"14846654/record/20210107/150616.flv","FileSize":3749098123,"StartRecordTime":"2021-01-07T15:06:16.1387156+08:00","EndRecordTime":"2021-01-07T16:06:16.1693244+08:00"}`
	unknownEvent   = `{"EventType":"PkStarted","EventTimestamp":"2026-11-22T12:00:00.1+08:00","EventId":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","EventData":{"RoomId":1888544306,"ShortId":0,"Name":"","Title":"","AreaNameParent":"","AreaNameChild":"","Recording":true,"Streaming":true,"DanmakuConnected":true,"Extra":{"x":1}}}`
	pathEscape     = `{"EventType":"FileClosed","EventTimestamp":"2026-11-22T12:00:02+08:00","EventId":"aaaaaaaa-bbbb-4ccc-8ddd-000000000001","EventData":{"SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RelativePath":"../../etc/passwd.flv","FileSize":1,"Duration":1.0,"FileOpenTime":"2026-11-22T12:00:00+08:00","FileCloseTime":"2026-11-22T12:00:02+08:00","RoomId":23058,"ShortId":3,"Name":"n","Title":"t","AreaNameParent":"a","AreaNameChild":"b","Recording":true,"Streaming":true,"DanmakuConnected":true}}`
)

// The first file's path and its V1 event.
const (
	flvPath        = "23058-3号直播间/录制-23058-20210514-175250-哔哩哔哩音悦台.flv"
	sameFileInV1   = `{"EventRandomId":"0c2d0a41-2711-4f9b-8619-e54104fe90d8","RoomId":23058,"Name":"3号直播间","Title":"哔哩哔哩音悦台","RelativePath":"23058-3号直播间/录制-23058-20210514-175250-哔哩哔哩音悦台.flv","FileSize":816412,"StartRecordTime":"2021-05-14T17:52:50.5246401+08:00","EndRecordTime":"2021-05-14T17:52:54.9461101+08:00"}`
	firstOpenTime  = "2021-05-14T17:52:50.5246401+08:00"
	laterOpenTime  = "2021-05-15T09:00:00.1+08:00"
	closedEventID  = "98f85267-e08c-4f15-ad9a-1fc463d42b0b"
	openingEventID = "6e7b33e5-4695-4d25-87ee-b09f66e20ba0"
)

// with replaces old and new in turn; what is not there is a fault of the test.
func with(body string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(body, pairs[i]) {
			panic("the fixture has no " + pairs[i])
		}
		body = strings.ReplaceAll(body, pairs[i], pairs[i+1])
	}
	return body
}

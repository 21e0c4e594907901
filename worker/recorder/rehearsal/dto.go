package rehearsal

import "time"

// roomDTO is a room as REST tells of it. Numbers that are none are texts.
type roomDTO struct {
	ObjectID                 string `json:"objectId"`
	RoomID                   int64  `json:"roomId"`
	AutoRecord               bool   `json:"autoRecord"`
	ShortID                  int64  `json:"shortId"`
	Name                     string `json:"name"`
	UID                      int64  `json:"uid"`
	Title                    string `json:"title"`
	AreaNameParent           string `json:"areaNameParent"`
	AreaNameChild            string `json:"areaNameChild"`
	Recording                bool   `json:"recording"`
	Streaming                bool   `json:"streaming"`
	DanmakuConnected         bool   `json:"danmakuConnected"`
	AutoRecordForThisSession bool   `json:"autoRecordForThisSession"`
	RecordingStats           any    `json:"recordingStats"`
	IOStats                  any    `json:"ioStats"`
}

func (m *room) dto() roomDTO {
	k := m.known
	return roomDTO{
		m.object, m.id, m.auto, k.ShortID, k.Name, k.UID, k.Title, k.Parent, k.Child, m.session != nil, m.live, m.live, m.thisTime,
		m.stats(), m.ioStats(),
	}
}

func (m *room) stats() map[string]any {
	out := map[string]any{
		"sessionDuration": 0.0, "totalInputBytes": 0, "totalOutputBytes": 0, "currentFileSize": 0, "sessionMaxTimestamp": 0,
		"fileMaxTimestamp": 0, "addedDuration": 0.0, "passedTime": 0.0, "durationRatio": "NaN",
	}
	if s := m.session; s != nil {
		total := s.stats.bytes + s.stats.file
		out["sessionDuration"] = float64(time.Since(s.began).Microseconds()) / 1000
		out["totalInputBytes"], out["totalOutputBytes"], out["currentFileSize"] = total, total, s.stats.file
		out["sessionMaxTimestamp"], out["fileMaxTimestamp"], out["durationRatio"] = s.stats.totalMS+s.stats.fileMS, s.stats.fileMS, 1.0
	}
	return out
}

func (m *room) ioStats() map[string]any {
	out := map[string]any{
		"streamHost": nil, "startTime": "0001-01-01T00:00:00+00:00", "endTime": "0001-01-01T00:00:00+00:00", "duration": 0.0,
		"networkBytesDownloaded": 0, "networkMbps": 0.0, "diskWriteDuration": 0.0, "diskBytesWritten": 0, "diskMBps": 0.0,
	}
	if s := m.session; s != nil {
		total := s.stats.bytes + s.stats.file
		out["streamHost"], out["startTime"], out["endTime"] = "rehearsal", stamp(s.began), stamp(time.Now())
		out["networkBytesDownloaded"], out["diskBytesWritten"], out["diskMBps"] = total, total, "Infinity"
		out["networkMbps"] = float64(total) * 8 / 1e6 / max(time.Since(s.began).Seconds(), 0.001)
	}
	return out
}

// settings is a room's own configuration.
func (m *room) settings() map[string]any {
	out := map[string]any{
		"autoRecord": m.auto, "optionalCuttingMode": optional{Value: 0}, "optionalCuttingNumber": optional{Value: 0},
		"optionalRecordMode": optional{Value: 0}, "optionalRecordDanmaku": optional{Value: false}, "optionalRecordDanmakuGift": optional{Value: false},
		"optionalRecordDanmakuGuard": optional{Value: false}, "optionalRecordDanmakuRaw": optional{Value: false},
		"optionalRecordDanmakuSuperChat": optional{Value: false},
	}
	for name, o := range m.config {
		out[name] = o
	}
	return out
}

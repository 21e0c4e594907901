package recorder

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Room is a room as the recorder tells of it.
type Room struct {
	// ObjectID is new at every start of the recorder: it is for showing only, never to be kept or asked with.
	ObjectID   string `json:"objectId"`
	RoomID     int64  `json:"roomId"`  // the real id, or the short one until the first refresh
	ShortID    int64  `json:"shortId"` // 0 = none, or not known yet
	AutoRecord bool   `json:"autoRecord"`
	Name       string `json:"name"` // the streamer; empty until the first refresh, and for ever when there is no such room
	UID        int64  `json:"uid"`
	Title      string `json:"title"`
	AreaParent string `json:"areaNameParent"`
	AreaChild  string `json:"areaNameChild"`

	Recording                bool `json:"recording"`
	Streaming                bool `json:"streaming"`
	DanmakuConnected         bool `json:"danmakuConnected"`
	AutoRecordForThisSession bool `json:"autoRecordForThisSession"`

	Stats   RecordingStats `json:"recordingStats"`
	IOStats IOStats        `json:"ioStats"`
}

// Is reports whether id is the room's real or short id. No id is 0.
func (r Room) Is(id int64) bool { return id > 0 && (r.RoomID == id || r.ShortID == id) }

// Named reports whether the recorder has learned from Bilibili that the room exists.
func (r Room) Named() bool { return r.Name != "" }

// RecordingStats is what a room's recording has come to; times in milliseconds of media or session.
type RecordingStats struct {
	SessionDuration     Number `json:"sessionDuration"`
	SessionMaxTimestamp int64  `json:"sessionMaxTimestamp"`
	FileMaxTimestamp    int64  `json:"fileMaxTimestamp"`
	TotalInputBytes     int64  `json:"totalInputBytes"`
	TotalOutputBytes    int64  `json:"totalOutputBytes"`
	CurrentFileSize     int64  `json:"currentFileSize"`
	DurationRatio       Number `json:"durationRatio"` // NaN while nothing is recorded
}

// IOStats is how the stream comes in and goes to disk.
type IOStats struct {
	StreamHost             string    `json:"streamHost"`
	StartTime              time.Time `json:"startTime"` // year 1 while idle
	EndTime                time.Time `json:"endTime"`
	Duration               Number    `json:"duration"` // milliseconds
	NetworkBytesDownloaded int64     `json:"networkBytesDownloaded"`
	NetworkMbps            Number    `json:"networkMbps"`
	DiskWriteDuration      Number    `json:"diskWriteDuration"` // milliseconds
	DiskBytesWritten       int64     `json:"diskBytesWritten"`
	DiskMBps               Number    `json:"diskMBps"`
}

// Number is a .NET double: the recorder writes NaN and the infinities as JSON strings. Our own JSON says null for them.
type Number float64

// Finite is the value, or 0 for what is no number.
func (n Number) Finite() float64 {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return f
	}
	return 0
}

// UnmarshalJSON reads a number, one of .NET's three strings, or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null", `"NaN"`:
		*n = Number(math.NaN())
	case `"Infinity"`:
		*n = Number(math.Inf(1))
	case `"-Infinity"`:
		*n = Number(math.Inf(-1))
	default:
		var f float64
		if err := json.Unmarshal(b, &f); err != nil {
			return err
		}
		*n = Number(f)
	}
	return nil
}

// MarshalJSON writes null for what is no number.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Optional is a setting that a room or the recorder may leave to its default.
type Optional[T any] struct {
	HasValue bool `json:"hasValue"`
	Value    T    `json:"value"` // null for a text without a value, which reads as ""
}

// Set is an Optional with a value.
func Set[T any](v T) *Optional[T] { return &Optional[T]{HasValue: true, Value: v} }

// RoomConfig is what a room overrides of the recorder's settings, as far as NGlive shows it.
type RoomConfig struct {
	AutoRecord             bool            `json:"autoRecord"`
	CuttingMode            Optional[int]   `json:"optionalCuttingMode"`
	CuttingNumber          Optional[int64] `json:"optionalCuttingNumber"` // minutes or MiB
	RecordMode             Optional[int]   `json:"optionalRecordMode"`
	RecordDanmaku          Optional[bool]  `json:"optionalRecordDanmaku"`
	RecordDanmakuGift      Optional[bool]  `json:"optionalRecordDanmakuGift"`
	RecordDanmakuGuard     Optional[bool]  `json:"optionalRecordDanmakuGuard"`
	RecordDanmakuRaw       Optional[bool]  `json:"optionalRecordDanmakuRaw"`
	RecordDanmakuSuperChat Optional[bool]  `json:"optionalRecordDanmakuSuperChat"`
}

// RecordModeName is the name that GraphQL, and so the seed's API, gives a record mode.
func RecordModeName(mode int) string { return enumName(mode, "STANDARD", "RAW_DATA") }

// CuttingModeName is the same for a cutting mode.
func CuttingModeName(mode int) string { return enumName(mode, "DISABLED", "BY_TIME", "BY_SIZE") }

func enumName(value int, names ...string) string {
	if value >= 0 && value < len(names) {
		return names[value]
	}
	return fmt.Sprintf("UNKNOWN_%d", value)
}

// GlobalConfig is some of the recorder's own settings. What is nil was not told, and is not changed.
type GlobalConfig struct {
	WebHooks      *Optional[string] `json:"optionalWebHookUrls,omitempty"`   // version 1, one address a line
	WebHooksV2    *Optional[string] `json:"optionalWebHookUrlsV2,omitempty"` // version 2, likewise
	RecordDanmaku *Optional[bool]   `json:"optionalRecordDanmaku,omitempty"`
	NameTemplate  *Optional[string] `json:"optionalFileNameRecordTemplate,omitempty"`
}

// Version is what the recorder says it is.
type Version struct {
	SemVer               string `json:"semVer"`
	FullSemVer           string `json:"fullSemVer"`
	InformationalVersion string `json:"informationalVersion"`
}

// String is the shortest of them that is there.
func (v Version) String() string {
	for _, s := range []string{v.SemVer, v.FullSemVer, v.InformationalVersion} {
		if s != "" {
			return s
		}
	}
	return "unknown"
}

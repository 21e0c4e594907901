package tasks

// SeedRoom is a room as the original showed it, to the letter: names, spelling (duraionRatio) and order. What is new stands
// beside: the right spelling, and the node.
type SeedRoom struct {
	AreaChild   string         `json:"areaNameChild"`
	AreaParent  string         `json:"areaNameParent"`
	ThisSession bool           `json:"autoRecordForThisSession"`
	Danmaku     bool           `json:"danmakuConnected"`
	Name        string         `json:"name"`
	ObjectID    string         `json:"objectId"`
	Recording   bool           `json:"recording"`
	ShortID     int64          `json:"shortId"`
	Streaming   bool           `json:"streaming"`
	Title       string         `json:"title"`
	Config      SeedRoomConfig `json:"roomConfig"`
	Stats       *SeedRoomStats `json:"stats,omitempty"` // not in the answer to addroom
	Node        string         `json:"node"`
}

// SeedRoomConfig is a room's settings as the original showed them.
type SeedRoomConfig struct {
	AutoRecord bool  `json:"autoRecord"`
	RoomID     int64 `json:"roomId"`
	RoomOptions
}

// SeedRoomStats is how a recording is doing, as the original showed it.
type SeedRoomStats struct {
	DuraionRatio     float64 `json:"duraionRatio"` // the original's spelling, and its recorder's
	DurationRatio    float64 `json:"durationRatio"`
	FileTimestamp    int64   `json:"fileMaxTimestamp"`
	NetworkMbps      float64 `json:"networkMbps"`
	SessionDuration  float64 `json:"sessionDuration"`
	SessionTimestamp int64   `json:"sessionMaxTimestamp"`
	InputBytes       int64   `json:"totalInputBytes"`
	OutputBytes      int64   `json:"totalOutputBytes"`
}

// SeedRemoved is what the original told of a room that it removed.
type SeedRemoved struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	ShortID int64  `json:"shortId"`
	Config  struct {
		RoomID int64 `json:"roomId"`
	} `json:"roomConfig"`
	Node string `json:"node"`
}

// SeedRooms is all rooms as the original listed them.
type SeedRooms struct {
	Rooms []SeedRoom `json:"rooms"`
	Away  []SeedAway `json:"away,omitempty"` // nodes whose rooms are not here
}

// SeedAway is a node whose rooms are not known for sure.
type SeedAway struct {
	Node string `json:"node"`
	Msg  string `json:"msg"`
}

// Seed is the room in the original's shape.
func (r Room) Seed(node string) SeedRoom {
	return SeedRoom{
		AreaChild: r.AreaChild, AreaParent: r.AreaParent, ThisSession: r.ThisSession, Danmaku: r.Danmaku, Name: r.Name,
		ObjectID: r.ObjectID, Recording: r.Recording, ShortID: r.ShortID, Streaming: r.Streaming, Title: r.Title, Node: node,
		Config: SeedRoomConfig{AutoRecord: r.AutoRecord, RoomID: r.RoomID, RoomOptions: r.Options.filled()},
		Stats: &SeedRoomStats{
			DuraionRatio: r.Stats.DurationRatio, DurationRatio: r.Stats.DurationRatio, FileTimestamp: r.Stats.FileTimestamp,
			NetworkMbps: r.Stats.NetworkMbps, SessionDuration: r.Stats.SessionDuration,
			SessionTimestamp: r.Stats.SessionTimestamp, InputBytes: r.Stats.InputBytes, OutputBytes: r.Stats.OutputBytes,
		},
	}
}

// filled puts the recorder's own words where nothing is known yet.
func (o RoomOptions) filled() RoomOptions {
	if o.CuttingMode.Value == "" {
		o.CuttingMode.Value = "DISABLED"
	}
	if o.RecordMode.Value == "" {
		o.RecordMode.Value = "STANDARD"
	}
	return o
}

func (r Room) removed(node string) SeedRemoved {
	x := SeedRemoved{Name: r.Name, Title: r.Title, ShortID: r.ShortID, Node: node}
	x.Config.RoomID = r.RoomID
	return x
}

package tasks

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestValidate_takesWhatIsRight(t *testing.T) {
	for _, doc := range []string{
		`{"id":"a","steps":[]}`,
		`{"id":"a-B_9","steps":[{"id":"t","type":"transcode","with":{"mode":"CRF","crf":23,"preset":"slow","bitrate":"5M"}},
		  {"id":"u","type":"upload","with":{"target":"archive","path":"{room}/{file}"},"on_error":"continue","when":{"title_matches":"^a.*b$","codec":"hevc"}},
		  {"id":"d","type":"delete","with":{"what":"both"}},{"id":"n","type":"notify","with":{"channels":["a"],"message":"hi"}}]}`,
	} {
		if errs := parseFlow(t, doc).Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", doc, errs)
		}
	}
	if errs := DefaultFlow().Validate(); len(errs) > 0 {
		t.Errorf("the default flow: %v", errs)
	}
}

func TestValidate_namesTheStepAndTheField(t *testing.T) {
	for _, c := range []struct{ steps, location, step, says string }{
		{`[{"id":"x","type":"burn"}]`, "steps[0].type", "x", "transcode"},
		{`[{"id":"a b","type":"notify"}]`, "steps[0].id", "#1", "letters"},
		{`[{"id":"x","type":"notify"},{"id":"x","type":"notify"}]`, "steps[1].id", "x", "twice"},
		{`[{"id":"x","type":"transcode"},{"id":"d","type":"delete"}]`, "steps[1].type", "d", "upload"},
		{`[{"id":"d","type":"delete"},{"id":"u","type":"upload"}]`, "steps[0].type", "d", "upload"},
		{`[{"id":"u","type":"upload"},{"id":"d","type":"delete"},{"id":"v","type":"upload"}]`, "steps[2].type", "v", "too late"},
		{`[{"id":"u","type":"upload"},{"id":"d","type":"delete","with":{"what":"all"}}]`, "steps[1].with.what", "d", "source"},
		{`[{"id":"x","type":"transcode","with":{"mode":"copy"}}]`, "steps[0].with.mode", "x", "COPY"},
		{`[{"id":"x","type":"transcode","with":{"crf":"23"}}]`, "steps[0].with.crf", "x", "type"},
		{`[{"id":"x","type":"transcode","with":{"crf":64}}]`, "steps[0].with.crf", "x", "0 to 63"},
		{`[{"id":"x","type":"transcode","with":{"crf":1.5}}]`, "steps[0].with.crf", "x", "type"},
		{`[{"id":"x","type":"transcode","with":{"bitrate":"fast; rm"}}]`, "steps[0].with.bitrate", "x", "5000k"},
		{`[{"id":"x","type":"transcode","with":{"encoder":"-f null"}}]`, "steps[0].with.encoder", "x", "libx264"},
		{`[{"id":"x","type":"transcode","with":{"modes":"CRF"}}]`, "steps[0].with.modes", "x", "mode"},
		{`[{"id":"x","type":"upload","with":{"target":{"deep":[[[1]]]}}}]`, "steps[0].with.target", "x", "type"},
		{`[{"id":"x","type":"notify","with":{"channels":"all"}}]`, "steps[0].with.channels", "x", "type"},
		{`[{"id":"x","type":"notify","on_error":"ignore"}]`, "steps[0].on_error", "x", "continue"},
		{`[{"id":"x","type":"notify","when":{"title_matches":"(hunter2"}}]`, "steps[0].when.title_matches", "x", "regular expression"},
		{`[{"id":"x","type":"notify","when":{"codec":"h264"}}]`, "steps[0].when.codec", "x", "avc"},
	} {
		errs := parseFlow(t, `{"id":"f","steps":`+c.steps+`}`).Validate()
		if len(errs) != 1 {
			t.Errorf("%s: %d faults: %v", c.steps, len(errs), errs)
			continue
		}
		e := errs[0]
		if e.Location() != c.location || e.Step != c.step || !strings.Contains(e.Why, c.says) {
			t.Errorf("%s: %s (step %q): %s", c.steps, e.Location(), e.Step, e.Why)
		}
		if strings.Contains(e.Error(), "hunter2") || strings.Contains(e.Error(), "json:") {
			t.Errorf("%s: the fault repeats what was sent, or speaks of Go: %s", c.steps, e)
		}
	}
}

func TestValidate_findsAllFaultsAtOnce(t *testing.T) {
	errs := parseFlow(t, `{"id":"","steps":[{"id":"x","type":"transcode","with":{"mode":"no","crf":99,"bogus":1}},{"id":"y","type":"z"}]}`).Validate()
	if len(errs) < 3 {
		t.Errorf("faults are %v", errs)
	}
	if errs[0].Location() != "id" || errs[0].Step != "" {
		t.Errorf("the flow's own fault is %+v", errs[0])
	}
}

func TestFlow_resolvesWhatItLeavesToTheNode(t *testing.T) {
	f := parseFlow(t, `{"id":"f","steps":[{"id":"t","type":"transcode","with":{"crf":20}},{"id":"u","type":"upload"},{"id":"n","type":"notify"}]}`)
	d := Defaults{Transcode: TranscodeWith{Mode: "CRF", Preset: "slow", CRF: new(30)}, Upload: UploadWith{Target: "baidu"}}
	got := f.Resolve(d)
	w := got.Steps[0].Transcode()
	if w.Mode != "CRF" || w.Preset != "slow" || *w.CRF != 20 || got.Steps[1].Upload().Target != "baidu" {
		t.Errorf("resolved to %+v", got)
	}
	if f.Steps[0].With["mode"] != nil {
		t.Error("the flow itself was changed")
	}
	if got.Key() == f.Key() || got.Key() == f.Resolve(Defaults{}).Key() {
		t.Error("different content has one key")
	}
	var again Flow
	if err := json.Unmarshal(got.encode(), &again); err != nil || again.Key() != got.Key() {
		t.Errorf("read back it is another: %v", err)
	}
}

func TestFlows_chooseTheRoomsOwnThenTheFirstMatchThenTheDefault(t *testing.T) {
	all := Flows{
		Flows: []Flow{
			{ID: "tiny", Match: &Match{MaxSizeBytes: new(int64(1000))}},
			{ID: "seven", Match: &Match{Rooms: []int64{7}}},
			{ID: "named"},
			{ID: "long", Match: &Match{MinDurationSeconds: new(3600.0), Rooms: []int64{8}}},
		},
		Rooms: map[string]string{"9": "named", "10": "gone"},
	}
	for _, c := range []struct {
		rec  Recording
		want string
	}{
		{Recording{RoomID: 1, SizeBytes: 500}, "tiny"},
		{Recording{RoomID: 1, SizeBytes: 5000}, DefaultFlowID},
		{Recording{RoomID: 7, SizeBytes: 5000}, "seven"},
		{Recording{RoomID: 70, ShortID: 7, SizeBytes: 5000}, "seven"},
		{Recording{RoomID: 9, SizeBytes: 500}, "named"},
		{Recording{RoomID: 90, ShortID: 9, SizeBytes: 500}, "named"},
		{Recording{RoomID: 10, SizeBytes: 5000}, DefaultFlowID},
		{Recording{RoomID: 8, SizeBytes: 5000, DurationSeconds: 60}, DefaultFlowID},
		{Recording{RoomID: 8, SizeBytes: 5000}, "long"}, // an unknown duration fails no test
	} {
		if got := all.Choose(c.rec).ID; got != c.want {
			t.Errorf("%+v goes to %s, want %s", c.rec, got, c.want)
		}
	}
}

func TestStep_knowsItsQueue(t *testing.T) {
	with := func(mode string) Step { return Step{Type: StepTranscode, With: map[string]any{"mode": mode}} }
	for _, c := range []struct {
		step Step
		info *StepInfo
		want string
	}{
		{with("COPY"), nil, KindRemux},
		{with("CRF"), nil, KindEncode},
		{with("COPY"), &StepInfo{Mode: "CRF"}, KindEncode},
		{Step{Type: StepUpload}, nil, KindUpload},
		{Step{Type: StepNotify}, nil, KindNotify},
		{Step{Type: StepDelete}, nil, KindRemux},
	} {
		if got := c.step.KindOf(c.info); got != c.want {
			t.Errorf("%+v waits in %s, want %s", c.step, got, c.want)
		}
	}
}

func parseFlow(t *testing.T, doc string) Flow {
	t.Helper()
	var f Flow
	if err := json.Unmarshal([]byte(doc), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

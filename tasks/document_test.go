package tasks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// archived is a recording that went through the default flow, with what varies from one to the next as it is in life.
func archived() Recording {
	opened := At(time.Date(2026, 11, 22, 17, 59, 57, 123e6, time.UTC))
	stem := "录制-23058-20261122-175957-123-哔哩哔哩音悦台"
	sum := sha256.Sum256([]byte(stem))
	step := func(kind string, after time.Duration, out *Output) StepInfo {
		return StepInfo{
			ID: kind, Type: kind, State: StepDone, Run: 1, Attempts: 1, Output: out,
			StartedAt: opened.Add(after), EndedAt: opened.Add(after + 61_234*time.Millisecond),
		}
	}
	return Recording{
		ID: "0123456789abcdef", Node: "nas-3f9a", Path: "23058-3号直播间/" + stem + ".flv", Origin: "bililiverecorder", RoomID: 23058,
		ShortID: 3, Name: "3号直播间", Title: "哔哩哔哩音悦台", Area: "生活/影音馆", Session: "7c7f3672-70ce-405a-aa12-886702ced6e5",
		OpenedAt: opened, ClosedAt: opened.Add(time.Hour), SizeBytes: 2_712_345_678, DurationSeconds: 3540.987,
		State: Finished, FlowID: DefaultFlowID, FlowVersion: 1, FlowKey: "7d0ccd124ae4", Run: 1,
		Steps: []StepInfo{
			step(StepTranscode, time.Hour, &Output{Path: "20261122/23058/" + stem + ".mp4", SizeBytes: 2_701_234_567, Seconds: 3540.98}),
			step(StepUpload, 61*time.Minute, &Output{
				Path: "23058/20261122/" + stem + ".mp4", Location: "/srv/archive/23058/20261122/" + stem + ".mp4",
				SizeBytes: 2_701_234_567, SHA256: hex.EncodeToString(sum[:]),
			}),
			step(StepNotify, 63*time.Minute, nil),
		},
		CreatedAt: opened, UpdatedAt: opened.Add(64 * time.Minute),
	}
}

func TestDocument_ofARecordingThatIsOverIsSmallAndComesBackWhole(t *testing.T) {
	rec := archived()
	doc := encodeRecording(rec)
	if plain, _ := json.Marshal(rec); len(doc) > 420 || len(plain) < 3*len(doc) {
		t.Errorf("%d bytes of %d", len(doc), len(plain))
	}
	back, err := decodeRecording(rec.ID, string(doc))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, rec) {
		t.Errorf("came back as %+v, want %+v", back, rec)
	}
}

func TestDocument_ofARecordingUnderWayOrSmallIsPlainJSON(t *testing.T) {
	running, small := archived(), Recording{ID: "0123456789abcdef", Path: "a.flv", State: Found}
	running.State = Running
	for _, rec := range []Recording{running, small} {
		doc := encodeRecording(rec)
		if !json.Valid(doc) {
			t.Errorf("a recording that is %s is written as %q", rec.State, doc)
		}
		if back, err := decodeRecording(rec.ID, string(doc)); err != nil || !reflect.DeepEqual(back, rec) {
			t.Errorf("%s came back as %+v, %v", rec.State, back, err)
		}
	}
}

func TestDocument_damagedOnesAreRefused(t *testing.T) {
	whole := string(encodeRecording(archived()))
	for name, doc := range map[string]string{
		"cut short":      whole[:len(whole)/2],
		"mark alone":     packedOne,
		"unknown mark":   "\x02" + whole[1:],
		"not JSON":       string(packed([]byte("hello"))),
		"without an end": string(packed(append([]byte("{}"), bytes.Repeat([]byte(" "), unpackedMost)...))),
	} {
		_, err := decodeRecording("0123456789abcdef", doc)
		if err == nil || !strings.Contains(err.Error(), "0123456789abcdef") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDocument_packedOnesOfThePastAreReadable(t *testing.T) {
	doc, err := hex.DecodeString(pastDocument)
	if err != nil {
		t.Fatal(err)
	}
	want := archived()
	if got, err := decodeRecording(want.ID, string(doc)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v: has dictionaryOne changed?", got, err)
	}
}

// A recording that is over goes on like any other: a retry unpacks it, and what it becomes is compared with the packed bytes.
func TestApply_takesARecordingThatIsOverFurther(t *testing.T) {
	b := newBench(t)
	rec := b.ingest(b.fact(FileWasClosed, Sighting{Node: "nas", Path: "a.flv", Title: strings.Repeat("x", packFrom)}))
	b.apply(Fact{ID: "c", Kind: PersonCancels, At: morning(), Recording: rec.ID})
	if doc, _ := b.store.document(b.ctx, rec.ID); !strings.HasPrefix(doc, packedOne) {
		t.Fatalf("the cancelled recording is not packed: %q", doc)
	}
	if rec = b.apply(Fact{ID: "r", Kind: PersonRetries, At: morning(), Recording: rec.ID}); rec.State != Running || rec.Run != 2 {
		t.Errorf("after the retry it is %s in run %d", rec.State, rec.Run)
	}
	if doc, _ := b.store.document(b.ctx, rec.ID); !json.Valid([]byte(doc)) {
		t.Errorf("under way again it is not plain: %q", doc)
	}
}

// pastDocument is what archived was packed to when dictionaryOne was made.
const pastDocument = "01bc95b16eea3014869fc8e0739ce363e739eec4e6d8ce03dc2bddad4b87ae4805a9430736a40e955a81d4a1eae30494b7a80a2124e056a8852e5972" +
	"749cfcfffffd4e22a14aebf658a0926484aac62febfbe5eaf6b1be5beeecd9befa5805802880c9120b4025aac9b49a3c6c9ff56cb1ba9e57e3a706cd" +
	"9320dbacee92a65ad47a9fd2e12e79e61ec6f574b65abe0eabb7e77ab6a8e737876cb2e7526946c1d247914972c23940618c66893e061d29452f8040" +
	"fc039c93cd8907806a9402ba1933fdb16e62900155469a4d8a7645991c58c367a19e83f43e00662e66bfdc00691d0e53dc4cd95cca9ccc40118f5204" +
	"eea237dcc4e5bbb13c2e1964d978d1a99bc6818bb54eef9f4f5006be54662348abcf8f94e9dea5fffefe6fefd3739ef1a9fabb128d52339bcc83670a" +
	"c4417b1d7c56d8803a3a6339944529652455b0d6816281567a702612b9126d79b912de3b8227f9a65adfd2559d2e94e3f6ee6d6ce6aede030000ffff"

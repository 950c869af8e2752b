package recorder_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

func TestStorageNames(t *testing.T) {
	for s, want := range map[recorder.Storage]string{
		0: "unknown", recorder.StorageReady: "ready", recorder.StorageMissing: "missing", recorder.StorageOther: "another card",
		recorder.StorageFull: "full", recorder.StorageReadOnly: "read-only", recorder.StorageFailing: "failing",
		recorder.StorageGone: "gone", recorder.StorageSlow: "slow", recorder.StorageStuck: "stuck",
		recorder.StorageForeign: "of newer firmware", recorder.StorageInUse: "in use", 99: "Storage(99)",
	} {
		text, err := s.MarshalText()
		if s.String() != want || string(text) != want || err != nil {
			t.Errorf("%d is %q, %q, %v, want %q", s, s.String(), text, err, want)
		}
		records := s == recorder.StorageReady || s == recorder.StorageOther || s == recorder.StorageSlow || s == recorder.StorageForeign
		if s.Records() != records {
			t.Errorf("%v records: %v", s, s.Records())
		}
	}
}

// TestStatusAsJSON has each error in it as its text, and none that is nil.
func TestStatusAsJSON(t *testing.T) {
	s := recorder.Status{Storage: recorder.StorageGone, Clips: 3}
	want := map[string]any{"Storage": "gone", "Clips": 3.0}
	for i, f := range reflect.VisibleFields(reflect.TypeOf(s)) {
		if f.Type == reflect.TypeFor[error]() {
			reflect.ValueOf(&s).Elem().Field(i).Set(reflect.ValueOf(errors.New("no " + f.Name)))
			want[f.Name] = "no " + f.Name
		}
	}
	got := decoded(t, s)
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
	for name := range decoded(t, recorder.Status{}) {
		if _, told := want[name].(string); told && name != "Storage" {
			t.Errorf("%s is there without an error", name)
		}
	}
}

// TestLengthsAsJSON: they are seconds, and are read as they are written.
func TestLengthsAsJSON(t *testing.T) {
	c := recorder.Change{ID: "1", Kind: recorder.ClipEnded, Clip: recorder.Clip{
		ID: "2", State: recorder.Kept, Length: 12345 * time.Millisecond, Bytes: 7,
		Missing: []recorder.Missing{{Length: 250 * time.Millisecond, Reason: "lost"}},
	}}
	b, err := json.Marshal(c)
	for _, want := range []string{`"lengthSeconds":12.345`, `"lengthSeconds":0.25`, `"state":"kept"`, `"bytes":7`} {
		if err != nil || !strings.Contains(string(b), want) || strings.Contains(string(b), `"length":`) {
			t.Errorf("%s, %v: want %s", b, err, want)
		}
	}
	var back recorder.Change
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("%+v, %v: want %+v", back, err, c)
	}
	f, again := recorder.Fragment{Number: "9", Length: 2 * time.Second, Stored: true}, recorder.Fragment{}
	if b, err = json.Marshal(f); err != nil || json.Unmarshal(b, &again) != nil || again != f || !strings.Contains(string(b), `"lengthSeconds":2,`) && !strings.Contains(string(b), `"lengthSeconds":2}`) {
		t.Errorf("%s, %v: %+v", b, err, again)
	}
	if err := json.Unmarshal([]byte(`{"lengthSeconds":1e300}`), &again); err != nil || again.Length < 290*365*24*time.Hour {
		t.Errorf("%v, %v", again.Length, err)
	}
	if b, err = json.Marshal(recorder.Status{LostTime: 1500 * time.Millisecond}); err != nil || !strings.Contains(string(b), `"LostSeconds":1.5`) || strings.Contains(string(b), "Time") {
		t.Errorf("%s, %v", b, err)
	}
}

func decoded(t *testing.T, v any) (m map[string]any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

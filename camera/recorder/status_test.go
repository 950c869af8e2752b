package recorder_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

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

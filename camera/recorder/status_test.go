package recorder_test

import (
	"encoding/json"
	"errors"
	"strings"
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

// TestStatusAsJSON has errors in it as texts.
func TestStatusAsJSON(t *testing.T) {
	b, err := json.Marshal(recorder.Status{Storage: recorder.StorageGone, Err: errors.New("odd"), Source: recorder.ErrNoFrames, PutPicture: errors.New("refused"), Clips: 3})
	for _, want := range []string{`"Storage":"gone"`, `"Err":"odd"`, `"PutPicture":"refused"`, `"Source":"recorder: no frame`, `"Clips":3`} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s, %v: want %s", b, err, want)
		}
	}
	if strings.Contains(string(b), "Upload") {
		t.Errorf("%s", b)
	}
	if b, err := json.Marshal(recorder.Status{}); err != nil || strings.Contains(string(b), "PutPicture") {
		t.Errorf("%s, %v", b, err)
	}
}

package recorder_test

import (
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

package store

import (
	"testing"
	"time"
)

func FuzzFileName(f *testing.F) {
	f.Add((&Fragment{Number: "91343852333181432392682062623", Server: time.UnixMilli(5), Producer: time.UnixMilli(4), Timecode: 4, Header: 2, Cluster: 3}).fileName(), int64(5))
	f.Add("1_2_3.mkv", int64(0))
	f.Fuzz(func(t *testing.T, name string, size int64) {
		if got, ok := parseFileName(name, size); ok {
			if again, ok := parseFileName(got.fileName(), got.Size()); !ok || again.fileName() != got.fileName() {
				t.Errorf("%q is %q and then %q", name, got.fileName(), again.fileName())
			}
		}
	})
}

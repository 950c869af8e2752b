package segment_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// nowhere is a card that keeps nothing.
type nowhere struct{ memFS }

func (n *nowhere) Open(string, int) (storage.File, error)   { return n, nil }
func (n *nowhere) WriteAt(p []byte, off int64) (int, error) { return len(p), nil }
func (n *nowhere) Truncate(int64) error                     { return nil }

// BenchmarkRecord adds and commits a frame of the street by day, picture and sound in turn.
func BenchmarkRecord(b *testing.B) {
	day := clips.Day()
	fs := film(day, day.Length, day.Tracks[0], day.Tracks[2])
	w, err := segment.Create(&nowhere{}, "1.mkv", segment.Header{}, 0, day.Tracks[0], day.Tracks[2])
	if err != nil {
		b.Fatal(err)
	}
	record := func(n int) {
		f := fs[n%len(fs)]
		f.PTS += time.Duration(n/len(fs)) * day.Length
		if err := w.Add(f); err != nil {
			b.Fatal(err)
		}
		if w.Due() {
			if err := w.Commit(base, false); err != nil {
				b.Fatal(err)
			}
		}
	}
	bytes, n := int64(0), 0
	for ; n < len(fs); n++ {
		record(n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n/len(fs) > 2000 { // 11 hours: a file has 24
			b.StopTimer()
			w, _ = segment.Create(&nowhere{}, "1.mkv", segment.Header{}, 0, day.Tracks[0], day.Tracks[2])
			n = 0
			b.StartTimer()
		}
		bytes += int64(len(fs[n%len(fs)].Data))
		record(n)
		n++
	}
	b.SetBytes(bytes / int64(b.N))
}

// Recording allocates next to nothing: the outline grows by a cluster a GOP.
func TestAllocations(t *testing.T) {
	day := clips.Day()
	fs := film(day, day.Length, day.Tracks[0], day.Tracks[2])
	w, err := segment.Create(&nowhere{}, "1.mkv", segment.Header{}, 0, day.Tracks[0], day.Tracks[2])
	if err != nil {
		t.Fatal(err)
	}
	turn := time.Duration(0)
	round := func() {
		for _, f := range fs {
			f.PTS += turn
			if err := w.Add(f); err != nil {
				t.Fatal(err)
			}
			if w.Due() {
				if err := w.Commit(base, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		turn += day.Length
	}
	round()
	round()
	if n := testing.AllocsPerRun(20, round) / float64(len(fs)); n > 0.05 {
		t.Errorf("%.3f allocations a frame", n)
	}
}

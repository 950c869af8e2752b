package mp4_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mp4"
)

// A segment's head is as long as SegmentHeadSize says, and the same whether the data is there or not.
func TestSegmentHead(t *testing.T) {
	track, samples := pictures(t)
	sound := &mp4.Track{ID: 2, Codec: mp4.PCMA, Timescale: 8000, SampleRate: 8000, Channels: 1}
	for n := range 4 {
		for entry := range uint32(3) {
			runs := []mp4.Run{{Track: track, Entry: entry, Samples: samples[:n+1]}, {Track: sound, Samples: []mp4.Sample{{Data: []byte{1}}}}}
			whole := mp4.AppendSegment(nil, 1, runs...)
			media, entries := 0, 0
			sizes := slices.Clone(runs)
			for i, r := range runs {
				sizes[i].Samples = slices.Clone(r.Samples)
				for j, s := range r.Samples {
					media += len(s.Data)
					sizes[i].Samples[j].Data, sizes[i].Samples[j].Size = nil, len(s.Data)
				}
				if r.Entry > 1 {
					entries++
				}
			}
			head := mp4.AppendSegmentHead(nil, 1, sizes...)
			if !bytes.HasPrefix(whole, head) || len(whole) != len(head)+media {
				t.Errorf("%d samples, entry %d: another head without data", n+1, entry)
			}
			if want := mp4.SegmentHeadSize(2, entries, n+2); int64(len(head)) != want {
				t.Errorf("%d samples, entry %d: %d bytes, want %d", n+1, entry, len(head), want)
			}
		}
	}
}

// The length of a movie, further sample entries and the index are where they belong.
func TestMovie(t *testing.T) {
	track, _ := pictures(t)
	plain, err := mp4.AppendInit(nil, track)
	if err != nil {
		t.Fatal(err)
	}
	also := *track
	also.Also = []*mp4.Track{track}
	b, err := mp4.AppendMovie(nil, 1500, &also)
	if err != nil || !slices.Contains(tree(t, b, 0), "  mehd") || slices.Contains(tree(t, plain, 0), "  mehd") {
		t.Fatal(err, tree(t, b, 0))
	}
	if n := bytes.Count(b, []byte("avcC")); n != 2 || bytes.Count(plain, []byte("avcC")) != 1 {
		t.Errorf("%d sample entries", n)
	}
	index := mp4.AppendIndex(nil, track, time.Second, mp4.Reference{Size: 77, Duration: 2 * time.Second, Sync: true}, mp4.Reference{Size: 78})
	if len(index) != 32+2*12 || binary.BigEndian.Uint32(index[20:]) != 90_000 || binary.BigEndian.Uint32(index[36:]) != 180_000 ||
		binary.BigEndian.Uint32(index[40:])>>28 != 9 || binary.BigEndian.Uint32(index[52:]) != 0 {
		t.Errorf("%x", index)
	}
}

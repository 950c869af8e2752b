package segment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func nothing() error { return nil }

// page is where a file's label is, and how long that is.
const page = 4096

// elements calls yield with the elements in b, an element of unknown size with what follows it.
func elements(b []byte, yield func(id uint32, data []byte, at int) bool) {
	for at := 0; at < len(b); {
		h, ok := mkv.ParseHead(b[at:])
		size := min(h.Size, int64(len(b)-at-h.Len))
		if h.Size < 0 {
			size = int64(len(b) - at - h.Len)
		}
		if !ok || !yield(h.ID, b[at+h.Len:][:size], at) {
			return
		}
		at += h.Len + int(size)
	}
}

func number(b []byte) (n int64) {
	for _, x := range b {
		n = n<<8 | int64(x)
	}
	return n
}

// told returns what a file tells players: its length, and when the clusters begin that its cues
// lead to, which have to be there, with a key frame in front. It is no length and nil if the
// file tells nothing.
func told(t testing.TB, f io.ReaderAt) (length time.Duration, starts []time.Duration) {
	t.Helper()
	read := func(at, n int64) []byte {
		b := make([]byte, n)
		k, err := f.ReadAt(b, at)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		return b[:k]
	}
	segmentAt, infoAt, tracksAt := int64(0), int64(0), int64(0)
	seeks := map[uint32]int64{}
	elements(read(0, 16<<10), func(_ uint32, b []byte, at int) bool {
		if at == 0 { // the EBML header
			return true
		}
		segmentAt = int64(at) + 5
		elements(b, func(id uint32, b []byte, at int) bool {
			switch id {
			case 0x114d9b74: // SeekHead
				elements(b, func(_ uint32, b []byte, _ int) bool {
					seeks[uint32(number(b[3:7]))] = number(b[10:14])
					return true
				})
			case mkv.IDInfo:
				infoAt = int64(at)
			case mkv.IDTracks:
				tracksAt = int64(at)
			}
			return id != mkv.IDCluster
		})
		return false
	})
	r := mkv.NewReader(io.NewSectionReader(f, 0, 16<<10))
	for range 2 {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if info, ok := e.(*mkv.Info); ok {
			length = info.Duration
		}
	}
	if length == 0 && len(seeks) == 0 {
		return 0, nil
	}
	if length == 0 || len(seeks) != 3 || seeks[mkv.IDInfo] != infoAt || seeks[mkv.IDTracks] != tracksAt {
		t.Fatalf("length %v, seeks %v, Info at %d, Tracks at %d", length, seeks, infoAt, tracksAt)
	}
	at := segmentAt + seeks[mkv.IDCues]
	h, ok := mkv.ParseHead(read(at, mkv.MaxHead))
	if !ok || h.ID != mkv.IDCues {
		t.Fatalf("no cues at %d", at)
	}
	cues := read(at+int64(h.Len), h.Size)
	if int64(len(cues)) < h.Size {
		t.Fatalf("cues are cut off after %d bytes", len(cues))
	}
	elements(cues, func(_ uint32, b []byte, _ int) bool {
		var ms, place int64
		elements(b, func(id uint32, b []byte, _ int) bool {
			switch id {
			case 0xb3: // CueTime
				ms = number(b)
			case 0xb7: // CueTrackPositions
				elements(b, func(id uint32, b []byte, _ int) bool {
					if id == 0xf1 { // CueClusterPosition
						place = segmentAt + number(b)
					}
					return true
				})
			}
			return true
		})
		starts = append(starts, time.Duration(ms)*time.Millisecond)
		elements(read(place, 64), func(id uint32, b []byte, _ int) bool {
			if id != mkv.IDCluster {
				t.Fatalf("%#x where a cluster is to be at %v", id, starts[len(starts)-1])
			}
			elements(b, func(id uint32, b []byte, _ int) bool {
				switch id {
				case mkv.IDTimestamp:
					if number(b) != ms {
						t.Fatalf("cluster of %d ms where one of %d is to be", number(b), ms)
					}
				case mkv.IDSimpleBlock:
					if b[3]&0x80 == 0 {
						t.Fatalf("no key frame at %d ms", ms)
					}
					return false
				}
				return true
			})
			return false
		})
		return true
	})
	return length, starts
}

// A closed file tells its length and where each of its key frames is; one that grows does not.
func TestLabel(t *testing.T) {
	for name, fs := range sets() {
		t.Run(name, func(t *testing.T) {
			m, c := write(t, segment.Header{}, fs, tracksOf(fs)...)
			var want []time.Duration
			for _, k := range c.Clusters {
				want = append(want, k.Start)
			}
			end := c.Clusters[len(c.Clusters)-1].End
			if length, starts := told(t, m); length != end || !slices.Equal(starts, want) {
				t.Errorf("%v, cues %v\nwant %v, %v", length, starts, end, want)
			}
			w, m := create(t, tracksOf(fs)...)
			add(t, w, fs...)
			if err := w.Commit(base, true); err != nil {
				t.Fatal(err)
			}
			if length, starts := told(t, m); length != 0 || starts != nil {
				t.Errorf("while it grows: %v, cues %v", length, starts)
			}
			plain := kvsmedia.NewReader(bytes.NewReader(m.b[:w.Content().Length]))
			if got := slices.Collect(plain.Frames()); plain.Err() != nil || len(got) != len(fs) {
				t.Errorf("while it grows: %d frames, %v; want %d", len(got), plain.Err(), len(fs))
			}
		})
	}
}

// Other programs see the length, and the cues.
func TestLabelAbroad(t *testing.T) {
	fs := sets()["h264 aac"]
	m, c := write(t, segment.Header{}, fs, tracksOf(fs)...)
	end := c.Clusters[len(c.Clusters)-1].End
	seconds := tool(t, m.b, "a.mkv", "ffprobe", "-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", "FILE")
	if got, err := time.ParseDuration(strings.TrimSpace(seconds) + "s"); err != nil || got != end {
		t.Errorf("ffprobe: %s, want %v", seconds, end)
	}
	last := c.Clusters[len(c.Clusters)-1].Start
	packet := tool(t, m.b, "a.mkv", "ffprobe", "-v", "warning", "-read_intervals", fmt.Sprintf("%f%%+#1", end.Seconds()), "-select_streams", "v",
		"-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", "FILE")
	if !strings.HasPrefix(packet, fmt.Sprintf("%f,K", last.Seconds())) {
		t.Errorf("ffprobe seeks to %s, want %v", packet, last)
	}
	var merge struct {
		Container struct {
			Properties struct{ Duration time.Duration }
		}
		Warnings []string
	}
	if err := json.Unmarshal([]byte(tool(t, m.b, "a.mkv", "mkvmerge", "-J", "FILE")), &merge); err != nil {
		t.Fatal(err)
	}
	if got := merge.Container.Properties.Duration; got != end || len(merge.Warnings) > 0 {
		t.Errorf("mkvmerge: %v, %q; want %v", got, merge.Warnings, end)
	}
	info := tool(t, m.b, "a.mkv", "mkvinfo", "--all", "FILE")
	if n := strings.Count(info, "Cue point"); n != len(c.Clusters) || !strings.Contains(info, "+ Duration: 00:00:") || !strings.Contains(info, "+ Seek head") {
		t.Errorf("mkvinfo: %d cue points, want %d\n%.3000s", n, len(c.Clusters), info)
	}
}

// Whatever a power cut left in the label, all is found and read, and the file is closed as it
// was to be.
func TestTornLabel(t *testing.T) {
	fs := tiny(3*time.Second, 1)
	m, c := write(t, segment.Header{Event: []byte(`{"a":1}`)}, fs, fs[0].Track, fs[1].Track)
	before, after := segment.First(c), m.b[page:2*page]
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 600 {
		label := bytes.Clone(before)
		switch {
		case i < 200:
			copy(label, after[:i])
		case i < 300:
			copy(label[page-(i-200):], after[page-(i-200):])
		case i < 400: // sectors
			for at := 0; at < page; at += 512 {
				if r.IntN(2) == 0 {
					copy(label[at:], after[at:at+r.IntN(513)])
				}
			}
		case i < 500:
			clear(label[r.IntN(page):])
		default:
			for at := range label {
				label[at] = byte(r.Uint32())
			}
		}
		b := slices.Concat(m.b[:page], label, m.b[2*page:])
		for _, find := range []func(storage.File) (*segment.Content, error){segment.Scan, segment.Open} {
			f := &mem{bytes.Clone(b)}
			found, err := find(f)
			if err != nil || found.Length != c.Length || !slices.Equal(found.Clusters, c.Clusters) || found.Closed != bytes.Equal(label, after) {
				t.Fatalf("%d: %+v %v", i, found, err)
			}
			if i%50 == 0 {
				same(t, read(t, whole(f, found)), fs, 0)
			}
			if err := segment.Repair(f, nothing, found); err != nil || !found.Closed || !bytes.Equal(f.b, m.b) {
				t.Fatalf("%d: after the repair %+v %v", i, found, err)
			}
		}
	}
}

// spoilt is a file with a page that cannot be read until it is written.
type spoilt struct {
	mem
	mended bool
}

func (s *spoilt) ReadAt(p []byte, off int64) (int, error) {
	if !s.mended && off < 2*page && off+int64(len(p)) > page {
		return 0, syscall.EIO
	}
	return s.mem.ReadAt(p, off)
}

func (s *spoilt) WriteAt(p []byte, off int64) (int, error) {
	s.mended = s.mended || off == page && len(p) == page
	return s.mem.WriteAt(p, off)
}

// A label that cannot be read is written again. A file that has none is no file of ours.
func TestSpoiltLabel(t *testing.T) {
	fs := tiny(9*time.Second, 1)
	m, c := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	f := &spoilt{mem: mem{bytes.Clone(m.b)}}
	found, err := segment.Open(f)
	if err != nil || found.Closed || !slices.Equal(found.Clusters, c.Clusters) {
		t.Fatalf("%+v %v", found, err)
	}
	same(t, read(t, whole(f, found)), fs, 0)
	if err := segment.Repair(f, nothing, found); err != nil || !f.mended || !bytes.Equal(f.b, m.b) {
		t.Error(err)
	}
	other := bytes.Replace(m.b, []byte("smclabel"), []byte("whatever"), 1)
	if _, err := segment.Open(&spoilt{mem: mem{other}}); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}

// Of a closed file that was damaged the label is taken back before the rest is closed.
func TestDamagedLabel(t *testing.T) {
	fs := tiny(9*time.Second, 1)
	for op := 0; ; op++ {
		card := storagetest.New(storagetest.Ext4, 64<<20)
		fsys, err := card.Dir()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := record(fsys, "1.mkv", segment.Header{}, fs); err != nil {
			t.Fatal(err)
		}
		f, err := fsys.Open("1.mkv", os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		c, err := segment.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("damage"), c.Clusters[5].Offset+100); err != nil || f.Sync() != nil {
			t.Fatal(err)
		}
		if c, err = segment.Scan(f); err != nil || len(c.Clusters) != 4 {
			t.Fatalf("%+v %v", c, err)
		}
		card.CutAt(card.Ops() + op)
		err = segment.Repair(f, nothing, c)
		for seed := range uint64(8) {
			_, f := open(t, card.Restart(rand.New(rand.NewPCG(uint64(op), seed))), "1.mkv", os.O_RDONLY)
			if c, err := segment.Scan(f); err != nil {
				t.Fatal(err)
			} else if !segment.Torn(c) {
				told(t, f)
			}
		}
		if err == nil {
			return
		}
	}
}

// The cues of a long file are bounded, and reach from its beginning to its end.
func TestManyCues(t *testing.T) {
	sound := &kvsmedia.Track{Codec: kvsmedia.PCMA}
	var fs []kvsmedia.Frame
	for i := range 2*segment.MaxCues + 100 { // a cluster each
		fs = append(fs, kvsmedia.Frame{Track: sound, PTS: time.Duration(i) * 2 * time.Second, Key: true, Data: []byte{1, 2, 3, 4}})
	}
	m, c := write(t, segment.Header{}, fs, sound)
	if len(c.Clusters) != len(fs) {
		t.Fatalf("%d clusters", len(c.Clusters))
	}
	_, starts := told(t, m)
	if n := len(starts); n > segment.MaxCues || n < segment.MaxCues/2 || starts[0] != 0 || starts[n-1] < fs[len(fs)-4].PTS || !slices.IsSorted(starts) {
		t.Errorf("%d cues, the last at %v", n, starts[n-1])
	}
}

// A file that outgrows its room when it is closed tells players nothing before FAT's folder has
// its size.
func TestOutgrown(t *testing.T) {
	fs := tiny(3*time.Second, 1)
	for op := 0; ; op++ {
		card := storagetest.New(storagetest.FAT, 64<<20)
		fsys, err := card.Dir()
		if err != nil {
			t.Fatal(err)
		}
		w, err := segment.Create(fsys, "1.mkv", segment.Header{}, 0, fs[0].Track, fs[1].Track)
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, fs...)
		if err := w.Commit(base, true); err != nil {
			t.Fatal(err)
		}
		w.Fill(16<<20 - 20 - w.Size())
		card.CutAt(card.Ops() + op)
		err = w.Close(base)
		length := time.Duration(0)
		for seed := range uint64(8) {
			_, f := open(t, card.Restart(rand.New(rand.NewPCG(uint64(op), seed))), "1.mkv", os.O_RDONLY)
			c, err := segment.Scan(f)
			if err != nil {
				t.Fatal(err)
			}
			if !segment.Torn(c) {
				length, _ = told(t, f)
			}
		}
		if err == nil {
			if length != 3*time.Second {
				t.Errorf("it tells %v", length)
			}
			return
		}
	}
}

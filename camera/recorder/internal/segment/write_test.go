package segment_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// mem is a file in memory.
type mem struct{ b []byte }

func (m *mem) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, off) }
func (m *mem) WriteAt(p []byte, off int64) (int, error) {
	if n := off + int64(len(p)); n > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, n-int64(len(m.b)))...)
	}
	return copy(m.b[off:], p), nil
}
func (m *mem) Close() error         { return nil }
func (m *mem) Size() (int64, error) { return int64(len(m.b)), nil }
func (m *mem) Sync() error          { return nil }
func (m *mem) Truncate(n int64) error {
	if n < int64(len(m.b)) {
		m.b = m.b[:n]
	} else {
		m.b = append(m.b, make([]byte, n-int64(len(m.b)))...)
	}
	return nil
}

// memFS has one file.
type memFS struct {
	storage.FS
	mem
	syncErr error
}

func (m *memFS) Open(string, int) (storage.File, error) { return m, nil }
func (m *memFS) Mkdir(string) error                     { return nil }
func (m *memFS) SyncDir(string) error                   { return nil }
func (m *memFS) Remove(string) error                    { m.b = nil; return nil }
func (m *memFS) Sync() error                            { return m.syncErr }
func (m *memFS) Close() error                           { return nil }

// film returns frames of tracks of the corpus for so long, in order, and the tracks.
func film(c *clips.Clip, length time.Duration, tracks ...*kvsmedia.Track) (fs []kvsmedia.Frame) {
	for at := time.Duration(0); at < length; at += c.Length {
		for _, f := range c.Frames {
			if slices.Contains(tracks, f.Track) && at+f.PTS < length {
				f.PTS += at
				fs = append(fs, f)
			}
		}
	}
	return fs
}

// write makes a file of frames.
func write(t testing.TB, h segment.Header, fs []kvsmedia.Frame, tracks ...*kvsmedia.Track) (*memFS, *segment.Content) {
	t.Helper()
	m := &memFS{}
	w, err := segment.Create(m, "2026-11-30/1.mkv", h, 0, tracks...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if err := w.Add(f); err != nil {
			t.Fatal(err)
		}
		if w.Due() {
			if err := w.Commit(base, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(base); err != nil {
		t.Fatal(err)
	}
	return m, w.Content()
}

const base = 1_790_000_000_000

// same fails if frames read are not those written, rounded to ms.
func same(t testing.TB, got, want []kvsmedia.Frame, from time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		at := (w.PTS - from).Round(time.Millisecond)
		if w.Track.Codec == kvsmedia.Opus { // with the corpus' pre-skip of 6.5 ms
			if (g.PTS - at).Abs() <= time.Millisecond/2 {
				at = g.PTS
			}
		}
		if g.PTS != at || g.Track.Codec != w.Track.Codec || g.Track.Name != w.Track.Name || g.Key != w.Key || !bytes.Equal(g.Data, w.Data) {
			t.Fatalf("frame %d: %v %v %v %d bytes, want %v %v %v %d", i, g.PTS, g.Track.Name, g.Key, len(g.Data), at, w.Track.Name, w.Key, len(w.Data))
		}
		if want := time.UnixMilli(base).Add(at + from); !g.Time.Equal(want) {
			t.Fatalf("frame %d: Time %v, want %v", i, g.Time, want)
		}
	}
}

func whole(f storage.File, c *segment.Content) segment.Part {
	return segment.Part{File: f, Content: c, To: len(c.Clusters) - 1, Base: c.Base}
}

func read(t testing.TB, parts ...segment.Part) []kvsmedia.Frame {
	t.Helper()
	r := segment.Reader(parts...)
	fs := slices.Collect(r.Frames())
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return fs
}

// sets are tracks with frames: every codec.
func sets() map[string][]kvsmedia.Frame {
	day, hevc, sub := clips.Day(), clips.HEVC(), clips.Sub()
	g711 := func(codec kvsmedia.Codec) (fs []kvsmedia.Frame) {
		t := &kvsmedia.Track{Codec: codec, Name: "sound"}
		for i := range 300 {
			fs = append(fs, kvsmedia.Frame{Track: t, PTS: time.Duration(i) * 20 * time.Millisecond, Key: true, Data: bytes.Repeat([]byte{byte(i)}, 160)})
		}
		return fs
	}
	return map[string][]kvsmedia.Frame{
		"h264 aac":  film(day, 20*time.Second, day.Tracks[0], day.Tracks[2]),
		"h264 opus": film(day, 50*time.Second, day.Tracks[0], day.Tracks[1]),
		"h265":      film(hevc, 10*time.Second, hevc.Tracks[0]),
		"sub":       film(sub, 20*time.Second, sub.Tracks[0]),
		"opus":      film(day, 20*time.Second, day.Tracks[1]),
		"pcma":      g711(kvsmedia.PCMA),
		"pcmu":      g711(kvsmedia.PCMU),
	}
}

func tracksOf(fs []kvsmedia.Frame) (ts []*kvsmedia.Track) {
	for _, f := range fs {
		if !slices.Contains(ts, f.Track) {
			ts = append(ts, f.Track)
		}
	}
	return ts
}

func TestWritten(t *testing.T) {
	for name, fs := range sets() {
		t.Run(name, func(t *testing.T) {
			h := segment.Header{Seq: 7, Clip: [16]byte{1, 2}, Event: []byte(`{"type":"motion"}`)}
			m, c := write(t, h, fs, tracksOf(fs)...)
			for how, find := range map[string]func(storage.File) (*segment.Content, error){"scan": segment.Scan, "open": segment.Open} {
				found, err := find(m)
				if err != nil {
					t.Fatal(how, err)
				}
				if !slices.Equal(found.Clusters, c.Clusters) || found.Length != c.Length || found.Base != base || !found.Closed || !c.Closed || c.Growing {
					t.Errorf("%s: %+v\nwant %+v", how, found, c)
				}
				if found.Seq != 7 || found.Clip != h.Clip || string(found.Event) != string(h.Event) || found.Nonce == [16]byte{} {
					t.Errorf("%s: header %+v", how, found.Header)
				}
				same(t, read(t, whole(m, found)), fs, 0)
			}
			plain := kvsmedia.NewReader(bytes.NewReader(m.b)) // as any player sees it
			if got := slices.Collect(plain.Frames()); plain.Err() != nil || len(got) != len(fs) {
				t.Errorf("as plain Matroska %d frames, %v; want %d", len(got), plain.Err(), len(fs))
			}
		})
	}
}

func TestNone(t *testing.T) {
	for _, b := range [][]byte{nil, {0}, make([]byte, 1<<20), []byte("\x1a\x45\xdf\xa3")} {
		if _, err := segment.Scan(&mem{b}); !errors.Is(err, segment.ErrNone) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
	_ = io.EOF
	_ = os.ErrExist
}

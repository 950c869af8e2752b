package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const ms = time.Millisecond

func create(t testing.TB, tracks ...*kvsmedia.Track) (*segment.Writer, *memFS) {
	t.Helper()
	m := &memFS{}
	w, err := segment.Create(m, "1.mkv", segment.Header{}, 0, tracks...)
	if err != nil {
		t.Fatal(err)
	}
	return w, m
}

func add(t testing.TB, w *segment.Writer, fs ...kvsmedia.Frame) {
	t.Helper()
	for _, f := range fs {
		if err := w.Add(f); err != nil {
			t.Fatalf("at %v: %v", f.PTS, err)
		}
	}
}

// A change of parameter sets, and a key frame whose time goes back, ask for a new file, which
// begins with that frame: no frame is lost.
func TestNewFile(t *testing.T) {
	day, sub := clips.Day(), clips.Sub()
	track := day.Tracks[0]
	first := film(day, 4*time.Second, track)
	second := film(sub, 4*time.Second, sub.Tracks[0])
	for i := range second {
		second[i].Track, second[i].PTS = track, second[i].PTS+4*time.Second
	}
	back := first[0]
	back.PTS = time.Second
	for name, rest := range map[string][]kvsmedia.Frame{"sets": second, "back": {back}} {
		w, m := create(t, track)
		add(t, w, first...)
		for range 2 {
			if err := w.Add(rest[0]); !errors.Is(err, segment.ErrNewFile) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := w.Close(base); err != nil || w.Dropped() != 0 {
			t.Fatal(err, w.Dropped())
		}
		n, _ := write(t, segment.Header{}, rest, track)
		c, err := segment.Scan(m)
		if err != nil {
			t.Fatal(err)
		}
		same(t, read(t, whole(m, c)), first, 0)
		if c, err = segment.Scan(n); err != nil {
			t.Fatal(err)
		}
		p := whole(n, c)
		p.Base += rest[0].PTS.Milliseconds()
		same(t, read(t, p), rest, rest[0].PTS)
	}
}

// Key frames far apart, pictures out of order, sound that is ahead or behind: all comes back.
func TestTimes(t *testing.T) {
	fs := tiny(80*time.Second, 1)
	video, sound := fs[0].Track, fs[1].Track
	change := func(edit func(i int, f *kvsmedia.Frame)) []kvsmedia.Frame {
		out := slices.Clone(fs)
		for i := range out {
			edit(i, &out[i])
		}
		return out
	}
	for name, fs := range map[string][]kvsmedia.Frame{
		"a GOP of 70 s": change(func(i int, f *kvsmedia.Frame) {
			if f.Track == video && f.Key && f.PTS%(70*time.Second) != 0 {
				f.Key, f.Data = false, []byte{0, 0, 0, 1, 0x41, byte(i), 7}
			}
		}),
		"B-frames": change(func(i int, f *kvsmedia.Frame) { // I0 P3 B1 B2 ...
			if n := int(f.PTS/(100*ms)) % 10; f.Track == video && n > 0 {
				f.PTS += []time.Duration{-100, 200, -100}[n%3] * ms
			}
		}),
		"sound 5 s ahead": change(func(_ int, f *kvsmedia.Frame) {
			if f.Track == sound {
				f.PTS += 5 * time.Second
			}
		}),
		"sound 5 s behind": change(func(_ int, f *kvsmedia.Frame) {
			if f.Track == sound {
				f.PTS -= 5 * time.Second
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			m, c := write(t, segment.Header{}, fs, video, sound)
			same(t, read(t, whole(m, c)), fs, 0)
			if last := c.Clusters[len(c.Clusters)-1]; last.End != 80*time.Second && last.End != 80*time.Second-100*ms {
				t.Errorf("it ends at %v", last.End)
			}
			film := movie(t, true, whole(m, c))
			for i, run := range bytes.Split(film, []byte("trun"))[1:] { // ISO/IEC 14496-12, 8.8.8
				for j := range binary.BigEndian.Uint32(run[4:]) {
					if offset := int32(binary.BigEndian.Uint32(run[12+16*j+12:])); offset < 0 {
						t.Fatalf("run %d, frame %d: shown %d before it is decoded", i, j, -offset)
					}
				}
			}
			packets := tool(t, film, "a.mp4", "ffprobe", "-v", "quiet", "-select_streams", "v", "-show_entries", "packet=pts,dts", "-of", "csv=p=0", "FILE")
			n := 0
			for line := range strings.Lines(packets) {
				var pts, dts int
				if _, err := fmt.Sscanf(line, "%d,%d", &pts, &dts); err != nil || pts < dts {
					t.Fatalf("shown before it is decoded: %s %v", line, err)
				}
				n++
			}
			if n != len(fs)/2 {
				t.Errorf("%d pictures in the movie", n)
			}
			tool(t, m.b, "b.mkv", "mkvmerge", "-q", "-o", t.TempDir()+"/c.mkv", "FILE")
		})
	}
}

// A second video track is waited for, but not for ever; when it comes a new file is asked for.
func TestLateTrack(t *testing.T) {
	day, sub := clips.Day(), clips.Sub()
	main := film(day, 12*time.Second, day.Tracks[0])
	w, _ := create(t, day.Tracks[0], sub.Tracks[0])
	var began time.Duration
	for i, f := range main {
		if f.PTS > 6*time.Second && f.PTS < 6200*ms {
			late := sub.Frames[0]
			late.PTS = f.PTS
			add(t, w, late)
		}
		err := w.Add(f)
		if err := w.Commit(base, true); f.PTS > 4500*ms && err != nil {
			t.Fatal(err)
		}
		if n := len(w.Content().Clusters); n > 0 && began == 0 {
			began = f.PTS
		}
		if errors.Is(err, segment.ErrNewFile) {
			if !f.Key || f.PTS < 6*time.Second || i+1 == len(main) {
				t.Errorf("at %v", f.PTS)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("no new file for the track that came late")
}

// A file is full at a key frame, and at the latest before 4 GiB - 64 MiB.
func TestFull(t *testing.T) {
	fs := tiny(4*time.Second, 1)
	w, _ := create(t, fs[0].Track, fs[1].Track)
	add(t, w, fs[:30]...)
	w.Fill(4<<30 - 127<<20)
	add(t, w, fs[30:40]...)
	if key := fs[40]; !key.Key || !errors.Is(w.Add(key), segment.ErrNewFile) {
		t.Error("a key frame is taken")
	}
	add(t, w, fs[41])
	w.Fill(63 << 20)
	if err := w.Add(fs[42]); !errors.Is(err, segment.ErrNewFile) {
		t.Error(err)
	}
}

// Memory is bounded where nobody commits, and so is what is kept for another file.
func TestBehind(t *testing.T) {
	fs := tiny(2*time.Second, 1)
	w, _ := create(t, fs[0].Track)
	add(t, w, fs[0])
	big := kvsmedia.Frame{Track: fs[0].Track, Data: append([]byte{0, 0, 0, 1, 0x41}, bytes.Repeat([]byte{1}, 1<<20)...)}
	n := 0
	for big.PTS = 100 * ms; ; big.PTS += ms {
		if err := w.Add(big); err != nil {
			break
		}
		if n++; n > 40 {
			t.Fatal("40 MiB wait")
		}
	}
	if n < 30 || w.Dropped() != 1 {
		t.Errorf("%d MiB, %d dropped", n, w.Dropped())
	}
	if err := w.Commit(base, true); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(big); err == nil || w.Dropped() != 2 {
		t.Error("a frame is taken that refers to one that was left out")
	}
	if left, keep := w.Uncommitted(); len(left) != 0 || keep != 1 {
		t.Errorf("%d frames are kept, %d clusters stay", len(left), keep)
	}
	key := fs[0]
	key.PTS = 10 * time.Second
	add(t, w, key)
	if left, keep := w.Uncommitted(); len(left) != 1 || keep != 1 {
		t.Errorf("%d frames are kept, %d clusters stay", len(left), keep)
	}
}

// Blocks end at a key frame after 2 s, after 4 s, and after 2 MiB.
func TestDue(t *testing.T) {
	fs := tiny(20*time.Second, 1)
	w, _ := create(t, fs[0].Track, fs[1].Track)
	var due []time.Duration
	for i, f := range fs {
		if f.PTS > 8*time.Second && f.Key && len(f.Data) > 40 {
			f.Key, f.Data = false, []byte{0, 0, 0, 1, 0x41, byte(i), 7}
		}
		add(t, w, f)
		if w.Due() {
			due = append(due, f.PTS)
			if err := w.Commit(base, false); err != nil || w.Due() {
				t.Fatal(err)
			}
			if c := w.Content(); c.Growing != (f.PTS > 9*time.Second) {
				t.Errorf("at %v: Growing %v", f.PTS, c.Growing)
			}
		}
	}
	if got := fmt.Sprint(due); got != "[2s 4s 6s 8s 12s 16s]" && got != "[2s 4s 6s 8s 12s 16.1s]" {
		t.Error(got)
	}
}

// Fragments have a second where that is possible, and what was returned stays.
func TestFragments(t *testing.T) {
	for name, at := range map[string]struct {
		starts []int // ms; a negative one is no key frame
		end    int
		want   string
	}{
		"seconds":    {[]int{0, 1000, 2000}, 3000, "0-0 1-1 2-2"},
		"short":      {[]int{0, 400, 800, 1200}, 1600, "0-2 3-3"},
		"long":       {[]int{0, 25000, 26000}, 27000, "0-0 1-1 2-2"},
		"no key":     {[]int{0, -32700, 40000}, 41000, "0-0 1-1 2-2"},
		"short, 19s": {[]int{0, 500, 19500}, 20500, "0-0 1-1 2-2"},
	} {
		c := &segment.Content{}
		for i, s := range at.starts {
			end := at.end
			if i+1 < len(at.starts) {
				end = max(at.starts[i+1], -at.starts[i+1])
			}
			c.Clusters = append(c.Clusters, segment.Cluster{Bytes: 1000, Start: time.Duration(max(s, -s)) * ms, End: time.Duration(end) * ms, Key: s >= 0})
		}
		p := segment.Part{Content: c, To: len(c.Clusters) - 1}
		text := ""
		for _, f := range p.Fragments(true) {
			text += fmt.Sprintf(" %d-%d", f.From, f.To)
		}
		if text != " "+at.want {
			t.Errorf("%s:%s, want %s", name, text, at.want)
		}
		all := p.Fragments(true)
		for p.To--; p.To >= 0; p.To-- {
			if fs := p.Fragments(false); len(fs) > len(all) || !slices.Equal(fs, all[:len(fs)]) {
				t.Errorf("%s: up to %d other fragments: %v", name, p.To, fs)
			}
		}
	}
}

// Parts that a file does not have are errors, not panics; parts without Base follow one another,
// and so do parts between which the clock was set.
func TestParts(t *testing.T) {
	fs := tiny(4*time.Second, 1)
	m, c := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	for _, p := range []segment.Part{{}, {File: m, Content: c, From: -1}, {File: m, Content: c, From: 1}, {File: m, Content: c, To: 9}, {File: m, Content: c, Base: -1}} {
		r := segment.Reader(p)
		if n := len(slices.Collect(r.Frames())); n > 0 || r.Err() == nil {
			t.Errorf("%+v: %d frames, %v", p, n, r.Err())
		}
		if _, err := segment.MP4(true, p); err == nil {
			t.Errorf("%+v is a movie", p)
		}
	}
	p := whole(m, c)
	p.Base, p.From = 0, 1
	got := read(t, p, p)
	if n := len(got) / 2; got[0].PTS != 0 || got[n].PTS != 3*time.Second || !got[n].Time.IsZero() {
		t.Errorf("%v %v %v", got[0].PTS, got[n].PTS, got[n].Time)
	}
	for apart, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 24 * time.Hour: 4 * time.Second, -24 * time.Hour: 4 * time.Second} {
		p, q := whole(m, c), whole(m, c)
		p.Base = 100 * 365 * 86400_000
		q.Base = p.Base + apart.Milliseconds()
		got := read(t, p, q)
		if n := len(got) / 2; got[n].PTS != want || got[n].Time.UnixMilli() != q.Base {
			t.Errorf("%v apart: %v, of %v", apart, got[n].PTS, got[n].Time)
		}
	}
}

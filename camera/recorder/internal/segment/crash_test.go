package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// earlier is the number of a file that was removed.
const earlier = 99

// tiny returns a film of small frames, so that many operations fit into a test: a picture
// each 100 ms, a key frame each second, and sound. The parameter sets are the corpus'.
func tiny(length time.Duration, seed byte) []kvsmedia.Frame {
	sub := clips.Sub()
	key := sub.Frames[0]
	sound := &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "sound"}
	var fs []kvsmedia.Frame
	for at := time.Duration(0); at < length; at += 100 * time.Millisecond {
		f := kvsmedia.Frame{Track: key.Track, PTS: at, Key: at%time.Second == 0, Data: []byte{0, 0, 0, 1, 0x41, seed, byte(len(fs)), 7}}
		if f.Key {
			f.Data = key.Data
		}
		fs = append(fs, f, kvsmedia.Frame{Track: sound, PTS: at, Key: true, Data: bytes.Repeat([]byte{seed}, 40)})
	}
	return fs
}

// record writes frames until the power fails, and returns how many are committed.
func record(fsys storage.FS, name string, h segment.Header, fs []kvsmedia.Frame) (committed int, err error) {
	w, err := segment.Create(fsys, name, h, 0, fs[0].Track, fs[1].Track)
	if err != nil {
		return 0, err
	}
	for i, f := range fs {
		if err = w.Add(f); err != nil {
			return committed, err
		}
		if w.Due() {
			if err = w.Commit(base, false); err != nil {
				return committed, err
			}
			left, _ := w.Uncommitted()
			committed = i + 1 - len(left)
		}
	}
	if err = w.Close(base); err == nil {
		committed = len(fs)
	}
	return committed, err
}

// open opens a card that has come back, and a file on it; nil if the name is gone.
func open(t *testing.T, card *storagetest.FS, name string, flag int) (storage.FS, storage.File) {
	t.Helper()
	fsys, err := card.Dir()
	if err != nil {
		t.Fatal(err)
	}
	f, err := fsys.Open(name, flag)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return fsys, f
}

// check scans a file and reads it, and fails if a committed frame is missing or one is there that was
// not written. It returns the content, nil if there is none.
func check(t *testing.T, what string, f storage.File, fs []kvsmedia.Frame, committed int) *segment.Content {
	t.Helper()
	c, err := segment.Scan(f)
	if err != nil {
		if committed > 0 || !errors.Is(err, segment.ErrNone) {
			t.Fatalf("%s: %d frames were committed: %v", what, committed, err)
		}
		return nil
	}
	if c.Seq == earlier && committed == 0 {
		return nil
	}
	got := read(t, whole(f, c))
	if len(got) < committed || len(got) > len(fs) {
		t.Fatalf("%s: %d frames, %d were committed", what, len(got), committed)
	}
	same(t, got, fs[:len(got)], 0)
	return c
}

// survives is check of what a power cut left: it tells players of nothing that is not there.
func survives(t *testing.T, what string, f storage.File, fs []kvsmedia.Frame, committed int) *segment.Content {
	t.Helper()
	c := check(t, what, f, fs, committed)
	if c != nil && !segment.Torn(c) {
		if length, _ := told(t, f); length > c.Clusters[len(c.Clusters)-1].End {
			t.Fatalf("%s: players see a length of %v", what, length)
		}
	}
	return c
}

// A power cut at each operation, and at each of the repair after it, loses nothing that was
// committed. The card has an earlier file of ours, removed, whose clusters may show.
func TestPowerCut(t *testing.T) {
	const name, old = "2026-11-30/2.mkv", "2026-11-30/1.mkv"
	fs, before := tiny(11*time.Second, 1), tiny(30*time.Second, 9)
	for _, kind := range []storagetest.Kind{storagetest.Ext4, storagetest.FAT} {
		setup := func() *storagetest.FS {
			card := storagetest.New(kind, 64<<20)
			fsys, err := card.Dir()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := record(fsys, old, segment.Header{Seq: earlier}, before); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(fsys.Remove(old), fsys.SyncDir("2026-11-30"), fsys.Close()); err != nil {
				t.Fatal(err)
			}
			return card
		}
		found := 0
		for op := setup().Ops(); ; op++ {
			card := setup()
			card.CutAt(op)
			fsys, err := card.Dir()
			if err != nil {
				t.Fatal(err)
			}
			committed, err := record(fsys, name, segment.Header{Seq: 2}, fs)
			for seed := range uint64(4) {
				what := fmt.Sprintf("kind %d, op %d, seed %d", kind, op, seed)
				boot := card.Restart(rand.New(rand.NewPCG(uint64(op), seed)))
				fsys, f := open(t, boot, name, os.O_RDWR)
				if f == nil {
					if committed > 0 {
						t.Fatalf("%s: the file is gone", what)
					}
					continue
				}
				c := survives(t, what, f, fs, committed)
				if c == nil {
					continue
				}
				found++
				if (op+int(seed))%2 == 0 { // half of them, for the time it takes
					repairCut(t, what, boot, fsys, f, c, name, fs)
				}
			}
			if err == nil {
				break
			}
		}
		if found < 20 {
			t.Errorf("kind %d: %d files were found", kind, found)
		}
	}
}

// repairCut repairs a file with the power failing at each operation of that, and then for good.
func repairCut(t *testing.T, what string, card *storagetest.FS, fsys storage.FS, f storage.File, c *segment.Content, name string, fs []kvsmedia.Frame) {
	t.Helper()
	frames := 0
	for _, k := range c.Clusters {
		frames += k.Frames
	}
	for i := 0; ; i++ {
		at := card.Restart(rand.New(rand.NewPCG(uint64(i), 7)))
		fsys, f := open(t, at, name, os.O_RDWR)
		c := survives(t, what, f, fs, frames)
		at.CutAt(at.Ops() + i)
		err := segment.Repair(f, func() error { return fsys.SyncDir("2026-11-30") }, c)
		for seed := range uint64(3) {
			after := at.Restart(rand.New(rand.NewPCG(uint64(i), seed)))
			_, f := open(t, after, name, os.O_RDONLY)
			if f == nil {
				t.Fatalf("%s: repair lost the name", what)
			}
			survives(t, what+", repair cut", f, fs, frames)
		}
		if err == nil {
			break
		}
	}
	if err := segment.Repair(f, func() error { return fsys.SyncDir("2026-11-30") }, c); err != nil {
		t.Fatal(err)
	}
	again, err := segment.Open(f)
	if err != nil || !again.Closed || !slices.Equal(again.Clusters, c.Clusters) {
		t.Fatalf("%s: after the repair %+v %v", what, again, err)
	}
	if length, _ := told(t, f); length != c.Clusters[len(c.Clusters)-1].End {
		t.Fatalf("%s: after the repair players see a length of %v", what, length)
	}
	if size, _ := f.Size(); size > c.Length+1<<12 {
		t.Fatalf("%s: repaired file has %d bytes", what, size)
	}
}

// A sync that fails gives the file up; what it did not commit goes on in another file, from the
// key frame on, and both are the whole.
func TestFailedSync(t *testing.T) {
	fs := tiny(20*time.Second, 1)
	for i := range fs { // a GOP of 10 s: blocks end within it
		if f := &fs[i]; f.Key && len(f.Data) > 40 && f.PTS%(10*time.Second) != 0 {
			f.Key, f.Data = false, []byte{0, 0, 0, 1, 0x41, byte(i), 7}
		}
	}
	a := &memFS{}
	w, err := segment.Create(a, "x/1.mkv", segment.Header{}, 0, fs[0].Track, fs[1].Track)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for ; ; at++ {
		if err := w.Add(fs[at]); err != nil {
			t.Fatal(err)
		}
		if fs[at].PTS > 15*time.Second {
			a.syncErr = errors.New("sync")
		}
		if w.Due() {
			if err := w.Commit(base, false); err != nil {
				break
			}
		}
	}
	if err := w.Add(fs[at+1]); !errors.Is(err, segment.ErrGivenUp) {
		t.Error(err)
	}
	left, keep := w.Uncommitted()
	part := whole(a, w.Content())
	part.To = keep - 1
	if err := w.Close(base); !errors.Is(err, segment.ErrGivenUp) {
		t.Error(err)
	}
	if keep != 1 || len(left) == 0 || !left[0].Key || left[0].PTS != 10*time.Second {
		t.Fatalf("%d clusters stay, %d frames are left", keep, len(left))
	}
	b, c := write(t, segment.Header{}, append(slices.Clone(left), fs[at+1:]...), fs[0].Track, fs[1].Track)
	second := whole(b, c)
	second.Base += left[0].PTS.Milliseconds()
	same(t, read(t, part, second), fs, 0)
	part.To = len(part.Content.Clusters) - 1 // as after a crash, when nobody knows
	same(t, read(t, part, second), fs, 0)
}

// Each flipped bit of a file is noticed by Scan: what it finds is less, or the file is not closed.
func TestFlips(t *testing.T) {
	fs := tiny(3*time.Second, 1)
	m, c := write(t, segment.Header{Event: []byte(`{"a":1}`)}, fs, fs[0].Track, fs[1].Track)
	for at := range m.b {
		if (at > 512 && at < page || at > page+512 && at < 2*page-8) && at%16 != 0 {
			continue // zeros
		}
		bad := bytes.Clone(m.b)
		bad[at] ^= 1 << (at % 8)
		found, err := segment.Scan(&mem{bad})
		if err == nil && found.Closed {
			t.Fatalf("byte %d of %d is another, and nobody notices", at, len(m.b))
		}
		if err == nil && !slices.Equal(found.Clusters, c.Clusters[:len(found.Clusters)]) && found.Length == c.Length {
			t.Fatalf("byte %d: %+v", at, found)
		}
	}
}

// A file can be cut anywhere: what is whole is read.
func TestCut(t *testing.T) {
	fs := tiny(5*time.Second, 1)
	m, whole := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	for n := len(m.b) - 1; n >= 0; n -= 1 + rand.IntN(12) {
		f := &mem{bytes.Clone(m.b[:n])}
		c := check(t, fmt.Sprint(n), f, fs, 0)
		if c == nil {
			continue
		}
		if c.Closed || c.Length > int64(n) {
			t.Fatalf("%d of %d bytes: %+v", n, len(m.b), c)
		}
		if err := segment.Repair(f, nothing, c); err != nil {
			t.Fatal(err)
		}
		if again, err := segment.Open(f); err != nil || again.Length != c.Length || c.Length == whole.Length && !bytes.Equal(f.b, m.b) {
			t.Fatal(n, err)
		}
	}
}

// Newer files are foreign, and stay as they are.
func TestForeign(t *testing.T) {
	fs := tiny(2*time.Second, 1)
	m, _ := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	b := segment.Newer(m.b)
	before := bytes.Clone(b)
	for _, find := range []func(storage.File) (*segment.Content, error){segment.Scan, segment.Open} {
		if _, err := find(&mem{b}); !errors.Is(err, segment.ErrForeign) || !bytes.Equal(b, before) {
			t.Error(err)
		}
	}
}

// Clusters of an earlier file, and blocks of the same file out of their order, are no footage.
func TestStale(t *testing.T) {
	fs := tiny(9*time.Second, 1)
	m, c := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	other, o := write(t, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	if len(o.Clusters) != len(c.Clusters) || o.Clusters[4].Offset != c.Clusters[4].Offset {
		t.Fatal("files of the same frames differ in length")
	}
	one, two := c.Clusters[2].Offset, c.Clusters[4].Offset // ends of blocks
	for name, at := range map[string]struct {
		keep  int64
		stale []byte
	}{
		"a block with the next number":  {two, other.b[two:]},
		"a file":                        {two, other.b},
		"a block of this file again":    {two, m.b[one:]},
		"clusters of this file":         {two, m.b[c.Clusters[0].Offset:]},
		"all of an earlier file, whole": {c.Length, other.b[c.Length:]},
	} {
		f := &mem{slices.Concat(m.b[:at.keep], at.stale)}
		found, err := segment.Scan(f)
		if err != nil || found.Length != at.keep || found.Closed {
			t.Errorf("%s: %+v %v", name, found, err)
		}
	}
}

package segment_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
)

// Whatever stands on a card, nothing panics, and what is found lies in the file.
func FuzzScan(f *testing.F) {
	fs := tiny(2*time.Second, 1)
	m, c := write(f, segment.Header{Event: []byte(`{"a":1}`)}, fs, fs[0].Track, fs[1].Track)
	f.Add(m.b)
	f.Add(m.b[:c.Length])
	f.Add(append(bytes.Clone(m.b), m.b...))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		segment.Seal(b)
		size := int64(len(b))
		for _, find := range []int{0, 1} {
			file := &mem{bytes.Clone(b)}
			c, err := segment.Scan(file)
			if find == 1 {
				c, err = segment.Open(file)
			}
			if err != nil {
				if !errors.Is(err, segment.ErrNone) && !errors.Is(err, segment.ErrForeign) {
					t.Fatal(err)
				}
				continue
			}
			if c.Length > size || len(c.Clusters) == 0 || c.Clusters[len(c.Clusters)-1].Offset+c.Clusters[len(c.Clusters)-1].Bytes != c.Length {
				t.Fatalf("%+v of %d bytes", c, size)
			}
			c.Base = max(0, min(c.Base, base))
			use(file, c)
			if err := segment.Repair(file, nothing, c); err != nil {
				t.Fatal(err)
			}
			if again, err := segment.Open(file); err != nil || !slices.Equal(again.Clusters, c.Clusters) {
				t.Fatalf("%+v\nafter the repair %+v %v", c, again, err)
			}
		}
	})
}

// use reads all that can be read of a file.
func use(f *mem, c *segment.Content) {
	r := segment.Reader(whole(f, c))
	for range r.Frames() {
	}
	whole(f, c).Fragments(true)
	for _, ended := range []bool{false, true} {
		if r, err := segment.MP4(ended, whole(f, c), whole(f, c)); err == nil {
			_, _ = io.Copy(io.Discard, r)
		}
	}
}

// Media that changed since its content was found ends a Reader or a movie with an error or with other
// frames, and never otherwise.
func FuzzDamage(f *testing.F) {
	fs := tiny(5*time.Second, 1)
	m, c := write(f, segment.Header{}, fs, fs[0].Track, fs[1].Track)
	f.Add(uint16(300), []byte{0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7, 0x88, 0xff})
	f.Add(uint16(2000), []byte{0xa3, 0x88, 0x81, 0, 0, 0x86})
	f.Fuzz(func(_ *testing.T, at uint16, with []byte) {
		b := bytes.Clone(m.b)
		copy(b[int(at)%len(b):], with)
		use(&mem{b}, c)
	})
}

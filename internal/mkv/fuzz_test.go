package mkv

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func FuzzReader(f *testing.F) {
	cluster := [][]byte{
		el(idTimestamp, num(1)), el(idSimpleBlock, block(1, 0, flagKey, 1, 2, 3)),
		el(idBlockGroup, el(idBlock, block(2, 1, lacingFixed, 1, 4, 5)), el(idReferenceBlock, num(1)), el(idBlockDuration, num(9))),
		el(idSimpleBlock, block(1, 5, lacingXiph, 1, 1, 2, 3)), el(idSimpleBlock, block(1, 5, lacingEBML, 2, 0x81, 0xbf, 1, 2, 3)),
	}
	tags := el(idTags, el(idTag, el(idSimpleTag, el(idTagName, []byte("A")), el(idTagString, []byte("B")))))
	f.Add(slices.Concat(header, el(idSegment, twoTracks, el(idCluster, cluster...), tags)))
	f.Add(slices.Concat(header, open1(idSegment, twoTracks, open(idCluster, cluster...), tags), header))
	f.Fuzz(func(t *testing.T, b []byte) {
		want, offsets, wantErr := all(bytes.NewReader(b))
		frames := 0
		for i, e := range want {
			if i > 0 && offsets[i] < offsets[i-1] || offsets[i] > int64(len(b)) {
				t.Fatalf("offsets %v of %d bytes", offsets, len(b))
			}
			if e, ok := e.(*Block); ok {
				frames++
				if e.Track != nil && e.Track.Number != e.Number || len(e.Data) > len(b)+1024 {
					t.Fatalf("%+v", e)
				}
			}
		}
		if frames > 256*len(b) {
			t.Fatalf("%d frames out of %d bytes", frames, len(b))
		}
		got, _, err := all(iotest.OneByteReader(bytes.NewReader(b)))
		if d := cmp.Diff(want, got, opts); d != "" || err.Error() != wantErr.Error() {
			t.Fatalf("byte by byte: %v, at once: %v (-at once +byte by byte)\n%s", err, wantErr, d)
		}

		// What was read whole up to an element is read from that part alone.
		if len(offsets) > 0 {
			got, _, err := all(bytes.NewReader(b[:offsets[len(offsets)-1]]))
			if d := cmp.Diff(want, got, opts); d != "" || err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("cut: %v (-want +got)\n%s", err, d)
			}
		}
	})
}

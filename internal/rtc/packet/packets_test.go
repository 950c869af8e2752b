package packet

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// packetize cuts a frame into RTP packets as a session sends them.
func packetize(f kvsmedia.Frame, seq uint16, stamp uint32) []Packet {
	var out []Packet
	parts := cutFrame(f)
	for i := range parts {
		out = append(out, Packet{Seq: seq + uint16(i), Stamp: stamp, Marker: i == len(parts)-1, Payload: parts[i].Append(nil, f.Data)})
	}
	return out
}

func hevcUnit(r *rand.Rand) []byte {
	nalu := func(kind byte, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + r.UintN(255))
		}
		b[0], b[1] = kind<<1, 1
		return b
	}
	return bitstream.AppendAnnexB(nil, [][]byte{nalu(1, 3000), nalu(1, MaxPayload), nalu(1, MaxPayload+1), nalu(39, 20)})
}

func TestPacketsMakeTheSameAccessUnit(t *testing.T) {
	s := testmedia.NewNoise()
	for range 20 {
		f := s.Next()
		prefixed := kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Private: make([]byte, 7)},
			Data: bitstream.AppendPrefixed(nil, bitstream.Split(nil, f.Data))}
		for name, frame := range map[string]kvsmedia.Frame{"Annex B": f, "length-prefixed": prefixed} {
			a := NewAssembler(kvsmedia.H264)
			a.needKey = false
			var got []byte
			for _, p := range packetize(frame, 100, 9000) {
				if len(p.Payload) > MaxPayload {
					t.Fatalf("payload of %d bytes", len(p.Payload))
				}
				if f, ok := a.Push(p); ok {
					got = f.Data
				}
			}
			if !bytes.Equal(got, f.Data) {
				t.Errorf("%s: %d bytes came out of %d", name, len(got), len(f.Data))
			}
		}
	}
	a := NewAssembler(kvsmedia.H265)
	a.needKey = false
	data := hevcUnit(rand.New(rand.NewPCG(3, 4)))
	var got []byte
	for _, p := range packetize(kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H265}, Data: data}, 1, 1) {
		if f, ok := a.Push(p); ok {
			got = f.Data
		}
	}
	if !bytes.Equal(got, data) {
		t.Errorf("H265: %d bytes came out of %d", len(got), len(data))
	}
}

func TestAssemblerTakesWhatOthersSend(t *testing.T) {
	a := NewAssembler(kvsmedia.H264)
	stapA := []byte{24, 0, byte(len(sps))}
	stapA = append(stapA, sps...)
	stapA = append(append(stapA, 0, byte(len(pps))), pps...)
	a.Push(Packet{Stamp: 1, Payload: stapA})
	idr := []byte{0x65, 0x88, 1, 2}
	f, ok := a.Push(Packet{Stamp: 1, Marker: true, Payload: idr})
	want := bitstream.AppendAnnexB(nil, [][]byte{sps, pps, idr})
	if !ok || !f.Key || !bytes.Equal(f.Data, want) {
		t.Errorf("got %x, want %x", f.Data, want)
	}
}

// Browsers send packets of nothing but padding, with the time of the picture
// before, to measure the path.
func TestPaddingIsNoPartOfAPicture(t *testing.T) {
	s := testmedia.NewNoise()
	a := NewAssembler(kvsmedia.H264)
	for n := range 3 {
		f := s.Next()
		whole := 0
		for _, p := range packetize(f, 0, uint32(n)) {
			if f, ok := a.Push(p); ok && f.Skipped == 0 {
				whole++
			}
		}
		if whole != 1 {
			t.Fatalf("picture %d came out %d times", n, whole)
		}
		if _, ok := a.Push(Packet{Stamp: uint32(n)}); ok {
			t.Fatal("padding made a picture")
		}
	}
	a.Push(Packet{Stamp: 2, Gap: true})
	for _, p := range packetize(s.Next(), 0, 3) {
		if _, ok := a.Push(p); ok {
			t.Error("the gap before the padding was forgotten")
		}
	}
}

// Encoders may put supplemental information in front of the parameter sets.
func TestStreamMayBeginWithSEI(t *testing.T) {
	data := bitstream.AppendAnnexB(nil, [][]byte{{6, 5, 1, 0xff, 0x80}, sps, pps, {0x65, 0x88, 1}})
	f := kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264}, Data: data}
	a := NewAssembler(kvsmedia.H264)
	r := NewReorder(true, a.First, a.Key)
	now := time.Unix(0, 0)
	for _, p := range packetize(f, 500, 1) {
		r.Push(p, now)
	}
	n := 0
	for p, ok := r.Pop(now); ok; p, ok = r.Pop(now) {
		if f, ok := a.Push(p); ok && bytes.Equal(f.Data, data) {
			n++
		}
	}
	if n != 1 {
		t.Error("the first access unit did not come out at once")
	}
}

func TestLossGoesOnAtAKeyFrame(t *testing.T) {
	s := testmedia.NewNoise()
	a := NewAssembler(kvsmedia.H264)
	var got []int
	var skipped []int
	for n := range 30 {
		packets := packetize(s.Next(), 0, uint32(n))
		for i, p := range packets {
			if n == 3 && i == len(packets)-1 {
				continue // lost: the end of picture 3
			}
			p.Gap = n == 4 && i == 0
			if f, ok := a.Push(p); ok {
				got = append(got, n)
				skipped = append(skipped, f.Skipped)
			}
		}
	}
	want := []int{0, 1, 2}
	for n := 10; n < 30; n++ {
		want = append(want, n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if skipped[3] != 7 {
		t.Errorf("skipped %d pictures, want 7", skipped[3])
	}
}

// FuzzAssembler puts arbitrary packets together; whatever comes out is bounded
// and nothing panics.
func FuzzAssembler(f *testing.F) {
	s := testmedia.NewNoise()
	for _, p := range packetize(s.Next(), 1, 1) {
		f.Add(p.Payload, p.Marker, false)
	}
	f.Add([]byte{24, 0, 1, 7, 0, 200}, true, true)
	f.Add([]byte{0x62, 1, 0x93, 4}, true, true)
	f.Fuzz(func(t *testing.T, b []byte, marker, gap bool) {
		for _, codec := range []kvsmedia.Codec{kvsmedia.H264, kvsmedia.H265, kvsmedia.Opus} {
			a := NewAssembler(codec)
			for i := range 3 {
				if f, ok := a.Push(Packet{Stamp: uint32(i), Marker: marker, Payload: b, Gap: gap}); ok && len(f.Data) > len(b)+4*len(b)+8 {
					t.Errorf("%d bytes came out of %d", len(f.Data), len(b))
				}
			}
		}
	})
}

// FuzzReorder sends packets in arbitrary order: they come out in order, each
// once.
func FuzzReorder(f *testing.F) {
	f.Add([]byte{1, 2, 3, 5, 4, 200, 6})
	f.Fuzz(func(t *testing.T, steps []byte) {
		r := newTestReorder(true)
		now := time.Unix(0, 0)
		seq, last, begun := uint16(65000), uint16(0), false
		for _, b := range steps {
			seq += uint16(int8(b))
			now = now.Add(time.Duration(b) * time.Millisecond)
			r.Push(Packet{Seq: seq, Payload: []byte{b % 8}}, now)
			for p, ok := r.Pop(now); ok; p, ok = r.Pop(now) {
				if begun && int16(p.Seq-last) <= 0 && !p.Gap {
					t.Fatalf("%d after %d", p.Seq, last)
				}
				last, begun = p.Seq, true
			}
			r.Missing(nil, now)
		}
	})
}

// Parameter sets of a constrained baseline stream.
var sps, pps = func() ([]byte, []byte) {
	nalus := bitstream.Split(nil, testmedia.NewNoise().Next().Data)
	return nalus[0], nalus[1]
}()

package packet

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// all pushes packets, and returns all that comes out.
func all(a *Assembler, packets ...Packet) []Assembled {
	frames := push(a, packets)
	if f, ok := a.Flush(); ok {
		frames = append(frames, f)
	}
	return frames
}

// push pushes packets, after which more come.
func push(a *Assembler, packets []Packet) (frames []Assembled) {
	for _, p := range packets {
		if f, ok := a.Push(p); ok {
			frames = append(frames, f)
		}
	}
	return frames
}

// trusting returns an assembler that ends pictures at their markers: it has seen some
// of a stream, of which skipped are lost.
func trusting(t *testing.T, s *testmedia.Noise) *Assembler {
	t.Helper()
	a := NewAssembler(kvsmedia.H264)
	for n := range 10 {
		for _, p := range packetize(s.Next(), 0, uint32(1000+n)) {
			a.Push(p)
		}
	}
	if waiting, _ := a.Waiting(); waiting {
		t.Fatal("markers that were right ten times are not believed")
	}
	return a
}

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
	nalu := func(kind, first byte, n int) []byte { // a slice begins with first_slice_segment_in_pic_flag
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + r.UintN(255))
		}
		b[0], b[1], b[2] = kind<<1, 1, first
		return b
	}
	return bitstream.AppendAnnexB(nil, [][]byte{nalu(1, 0xd0, 3000), nalu(1, 0x50, MaxPayload), nalu(1, 0x50, MaxPayload+1), nalu(40, 5, 20)})
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
			packets := packetize(frame, 100, 9000)
			for _, p := range packets {
				if len(p.Payload) > MaxPayload {
					t.Fatalf("payload of %d bytes", len(p.Payload))
				}
			}
			if got := all(a, packets...); len(got) != 1 || !bytes.Equal(got[0].Data, f.Data) {
				t.Errorf("%s: %d frames came out of one of %d bytes", name, len(got), len(f.Data))
			}
		}
	}
	a := NewAssembler(kvsmedia.H265)
	a.needKey = false
	data := hevcUnit(rand.New(rand.NewPCG(3, 4)))
	got := all(a, packetize(kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H265}, Data: data}, 1, 1)...)
	if len(got) != 1 || !bytes.Equal(got[0].Data, data) {
		t.Errorf("H265: %d frames came out of one of %d bytes", len(got), len(data))
	}
}

func TestAssemblerTakesWhatOthersSend(t *testing.T) {
	a := NewAssembler(kvsmedia.H264)
	stapA := []byte{24, 0, byte(len(sps))}
	stapA = append(stapA, sps...)
	stapA = append(append(stapA, 0, byte(len(pps))), pps...)
	idr := []byte{0x65, 0x88, 0x87, 2}
	got := all(a, Packet{Stamp: 1, Payload: stapA}, Packet{Stamp: 1, Marker: true, Payload: idr})
	want := bitstream.AppendAnnexB(nil, [][]byte{sps, pps, idr})
	if len(got) != 1 || !got[0].Key || !bytes.Equal(got[0].Data, want) {
		t.Errorf("got %+v, want %x", got, want)
	}
}

// Browsers send packets of nothing but padding, with the time of the picture
// before, to measure the path.
func TestPaddingIsNoPartOfAPicture(t *testing.T) {
	s := testmedia.NewNoise()
	a := trusting(t, s)
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
	data := bitstream.AppendAnnexB(nil, [][]byte{{6, 5, 1, 0xff, 0x80}, sps, pps, {0x65, 0x88, 0x87, 1}})
	f := kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264}, Data: data}
	a := NewAssembler(kvsmedia.H264)
	r := NewReorder(true, a.First, a.Key)
	now := time.Unix(0, 0)
	for _, p := range packetize(f, 500, 1) {
		r.Push(p, now)
	}
	var packets []Packet
	for p, ok := r.Pop(now); ok; p, ok = r.Pop(now) {
		packets = append(packets, p)
	}
	if got := all(a, packets...); len(got) != 1 || !bytes.Equal(got[0].Data, data) {
		t.Error("the first access unit did not come out at once")
	}
}

func TestLossGoesOnAtAKeyFrame(t *testing.T) {
	s := testmedia.NewNoise()
	a := trusting(t, s)
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

// Senders set the marker on each slice, or on each NAL unit, or never, and stamp parameter
// sets like the picture before: all pictures come out whole, with their own times.
func TestMarkersAreNoProofOfAnEnd(t *testing.T) {
	type sender struct {
		marker func(last, slice bool) bool
		early  bool // parameter sets have the stamp of the picture before
	}
	for name, c := range map[string]sender{
		"on slices":              {marker: func(last, slice bool) bool { return slice }},
		"on all":                 {marker: func(last, slice bool) bool { return true }},
		"on parameter sets, too": {marker: func(last, slice bool) bool { return last || !slice }},
		"never":                  {marker: func(last, slice bool) bool { return false }},
		"sets of the one before": {marker: func(last, slice bool) bool { return last }, early: true},
		"both":                   {marker: func(last, slice bool) bool { return true }, early: true},
	} {
		s := testmedia.NewNoise()
		a := NewAssembler(kvsmedia.H264)
		var want, got []string
		sum := func(data []byte, stamp uint32, key bool, skipped int) string {
			return fmt.Sprintf("%x of %d, %v, %d", sha256.Sum256(data), stamp, key, skipped)
		}
		var packets []Packet
		for n := range uint32(25) {
			f := s.Next()
			want = append(want, sum(f.Data, 3000*n, f.Key, 0))
			nalus := bitstream.Split(nil, f.Data)
			for i, nalu := range nalus {
				slice, stamp := bitstream.H264.IsVCL(nalu), 3000*n
				if !slice && c.early {
					stamp -= 3000
				}
				of := packetize(kvsmedia.Frame{Track: f.Track, Data: bitstream.AppendAnnexB(nil, [][]byte{nalu})}, 0, stamp)
				of[len(of)-1].Marker = c.marker(i == len(nalus)-1, slice)
				packets = append(packets, of...)
			}
		}
		for _, f := range all(a, packets...) {
			got = append(got, sum(f.Data, f.Stamp, f.Key, f.Skipped))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("markers %s: (-want +got)\n%s", name, d)
		}
	}
}

// A sender whose markers were right so far sets one in the middle of a picture: that
// picture is lost, and what refers to it, but nothing later.
func TestMarkersThatTurnWrong(t *testing.T) {
	s := testmedia.NewNoise()
	a := trusting(t, s)
	s.Next() // a key frame that does not come: the pictures after it can be decoded all the same here
	var got []uint32
	for n := range uint32(29) {
		packets := packetize(s.Next(), 0, n)
		if n%10 != 9 {
			packets[len(packets)-2].Marker = true // ends the first slice
		}
		for _, f := range push(a, packets) {
			got = append(got, f.Stamp)
		}
	}
	if f, ok := a.Flush(); ok {
		got = append(got, f.Stamp)
	}
	want := []uint32{0} // cut short
	for n := range uint32(20) {
		want = append(want, 9+n)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A gap after the marker of a picture that waits for the next one does not cost that
// picture; one within it does, and while markers are doubted the rest of that picture does
// not count as another.
func TestGapsWhileMarkersAreNotBelieved(t *testing.T) {
	s := testmedia.NewNoise()
	a := NewAssembler(kvsmedia.H264)
	push(a, packetize(s.Next(), 0, 0))
	next := packetize(s.Next(), 0, 1)
	next[len(next)-1].Gap = true // of the first slice and more
	got := push(a, next[len(next)-1:])
	if len(got) != 1 || got[0].Stamp != 0 || got[0].Skipped != 0 {
		t.Errorf("%+v came out, want the picture before the gap", got)
	}

	s, a = testmedia.NewNoise(), NewAssembler(kvsmedia.H264)
	for n := range uint32(10) { // markers on both slices
		packets := packetize(s.Next(), 0, n)
		packets[max(0, len(packets)-2)].Marker = true
		push(a, packets)
	}
	key := packetize(s.Next(), 0, 10)
	key[len(key)-1].Marker = false
	push(a, key) // a key frame, of which more may come
	var frames [][]Packet
	for n := range uint32(3) {
		frames = append(frames, packetize(s.Next(), 0, 11+n))
	}
	lost := frames[0]
	lost[0].Gap, lost[0].Marker = true, true // its beginning is gone, and the end of the key frame
	copy(lost[0].Payload, testmedia.SliceHead(false, false, 1))
	got = push(a, lost)
	got = append(got, push(a, append(frames[1], frames[2]...))...)
	if len(got) != 0 || a.skipped != 3 {
		t.Errorf("%d frames came out, %d are lost: want the key frame, the one with a gap, and the one that needs them", len(got), a.skipped)
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

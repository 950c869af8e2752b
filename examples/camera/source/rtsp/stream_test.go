package rtsp

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// testStream is a stream, and the packets that are sent to it.
type testStream struct {
	*Stream
	t       *testing.T
	seq     uint16
	now     time.Duration
	got     []Unit
	trouble []string
}

func newTestStream(t *testing.T, f format.Format, rate int) *testStream {
	t.Helper()
	s, err := newStream(&description.Media{Formats: []format.Format{f}}, f, rate)
	if err != nil {
		t.Fatal(err)
	}
	ts := &testStream{Stream: s, t: t}
	s.OnTrouble = func(err error) { ts.trouble = append(ts.trouble, err.Error()) }
	return ts
}

// send sends packets as they are but for their sequence numbers.
func (s *testStream) send(packets ...*rtp.Packet) {
	for _, p := range packets {
		s.seq++
		s.now += ms
		p.SequenceNumber = s.seq
		for u := range s.Units(p, s.now, time.Unix(0, 0).Add(s.now)) {
			s.got = append(s.got, u)
		}
	}
}

func (s *testStream) flush() {
	for u := range s.Flush() {
		s.got = append(s.got, u)
	}
}

// sliced makes pictures of four slices each: NAL units by access unit.
func sliced(t *testing.T) (aus [][][]byte, sums []string) {
	t.Helper()
	path := t.TempDir() + "/sliced.h264"
	testtools.FFmpeg(t, "-f lavfi -i testsrc=rate=25:duration=1:size=320x240 -pix_fmt yuv420p -c:v libx264 -profile:v baseline -g 7 -x264-params slices=4:sliced-threads=0:repeat-headers=1 -f h264", path)
	return accessUnits(t, path), testtools.FrameMD5(t, path)
}

// pack makes the packets of one access unit: each NAL unit with its timestamp and marker,
// large ones in fragments (FU-A).
func pack(nalu []byte, stamp uint32, mark bool) (packets []*rtp.Packet) {
	add := func(payload []byte, last bool) {
		packets = append(packets, &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, Timestamp: stamp, Marker: mark && last}, Payload: payload})
	}
	const mtu = 1000
	if len(nalu) <= mtu {
		add(nalu, true)
		return packets
	}
	head, rest := nalu[0], nalu[1:]
	for first := true; len(rest) > 0; first = false {
		n := min(mtu, len(rest))
		fu := head & 0x1f
		if first {
			fu |= 0x80
		}
		if n == len(rest) {
			fu |= 0x40
		}
		add(append([]byte{head&0xe0 | 28, fu}, rest[:n]...), n == len(rest))
		rest = rest[n:]
	}
	return packets
}

// Whatever cameras do with markers and timestamps, the pictures are whole, at their own
// times, and those that ffmpeg decodes.
func TestMarkersAndTimestamps(t *testing.T) {
	aus, sums := sliced(t)
	codec := bitstream.H264
	for name, mark := range map[string]func(au [][]byte, i int) bool{
		"at the end":             func(au [][]byte, i int) bool { return i == len(au)-1 },
		"on each slice":          func(au [][]byte, i int) bool { return codec.IsVCL(au[i]) },
		"on parameter sets":      func(au [][]byte, i int) bool { return codec.IsParameterSet(au[i]) || i == len(au)-1 },
		"on parameter sets only": func(au [][]byte, i int) bool { return codec.IsParameterSet(au[i]) },
		"on each NAL unit":       func([][]byte, int) bool { return true },
		"nowhere":                func([][]byte, int) bool { return false },
	} {
		for _, early := range []bool{false, true} { // parameter sets are stamped like the picture before
			s := newTestStream(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 90000)
			for k, au := range aus {
				for i, n := range au {
					stamp := uint32(3600 * (k + 10))
					if early && !codec.IsVCL(n) {
						stamp -= 3600
					}
					s.send(pack(n, stamp, mark(au, i))...)
				}
			}
			s.send(pack(aus[0][0], 3600*1000, false)...)
			if len(s.got) != len(aus) || len(s.trouble) > 0 {
				t.Fatalf("%s: %d pictures of %d, %v", name, len(s.got), len(aus), s.trouble)
			}
			var stream []byte
			for k, u := range s.got {
				if u.Stamp != uint32(3600*(k+10)) || u.Frame.Key != codec.HasKey(aus[k]) || u.Lossy || u.Reordered {
					t.Fatalf("%s: picture %d at %d, key %v, lossy %v", name, k, u.Stamp/3600, u.Frame.Key, u.Lossy)
				}
				if !bytes.Equal(u.Frame.Data, bitstream.AppendAnnexB(nil, aus[k])) {
					t.Fatalf("%s: picture %d differs", name, k)
				}
				stream = append(stream, u.Frame.Data...)
			}
			if got := testtools.AnnexBFrameMD5(t, "h264", stream); strings.Join(got, " ") != strings.Join(sums, " ") {
				t.Errorf("%s: other pictures", name)
			}
		}
	}
}

// A picture is complete at its marker once markers have been right, and the last one
// when nothing more comes.
func TestLatency(t *testing.T) {
	aus, _ := sliced(t)
	s := newTestStream(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 90000)
	for k, au := range aus {
		for i, n := range au {
			s.send(pack(n, uint32(3600*k), i == len(au)-1)...)
		}
		if k > 8 && len(s.got) != k+1 {
			t.Fatalf("%d pictures of %d", len(s.got), k+1)
		}
	}
	s = newTestStream(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 90000)
	for _, n := range aus[0] {
		s.send(pack(n, 0, true)...)
	}
	if s.flush(); len(s.got) != 1 || !s.got[0].Frame.Key {
		t.Errorf("%d pictures", len(s.got))
	}
}

// One lost packet costs the picture and those that refer to it, and the next key frame
// counts them, whatever the number of packets of a picture.
func TestLoss(t *testing.T) {
	aus, _ := sliced(t)
	const gop = 7
	for lost := 1; lost < 80; lost++ {
		s := newTestStream(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 90000)
		n, at, slice := 0, 0, false
		for k, au := range aus {
			for i, nalu := range au {
				for _, p := range pack(nalu, uint32(3600*k), i == len(au)-1) {
					if n++; n == lost+1 {
						s.seq++
						at, slice = k, bitstream.H264.IsVCL(nalu)
						continue
					}
					s.send(p)
				}
			}
		}
		s.flush()
		first, next := at, gop*(at/gop+1) // missing are those from first on, before next
		if !slice && !(at == 0 && lost < 2) {
			next = at // parameter sets that were known, or a message
		}
		var line Line
		line.Start([]*Stream{s.Stream})
		var frames []kvsmedia.Frame
		for _, u := range s.got {
			u.At = time.Duration(u.Stamp/3600) * 40 * ms
			frames = append(frames, line.Add(0, u)...)
		}
		frames = append(frames, line.End()...)
		want := 0
		for i, f := range frames {
			if want == first {
				want = next
			}
			skipped := 0
			if want == next && first > 0 {
				skipped = next - first
			}
			if k := int(s.got[i].Stamp / 3600); k != want || f.Skipped != skipped && first > 0 {
				t.Fatalf("packet %d of picture %d lost: picture %d, want %d, skips %d, want %d", lost, at, k, want, f.Skipped, skipped)
			}
			want++
		}
		if want != len(aus) || len(s.trouble) != 1 {
			t.Errorf("packet %d of picture %d lost: %d pictures, %v", lost, at, want, s.trouble)
		}
	}
}

// A stream without key frames is not silent.
func TestKeyless(t *testing.T) {
	aus, _ := sliced(t)
	s := newTestStream(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 90000)
	for k := range 2 * keyless {
		for i, n := range aus[1] {
			s.send(pack(n, uint32(3600*k), i == len(aus[1])-1)...)
		}
	}
	if len(s.got) != 0 || len(s.trouble) != 1 || !strings.Contains(s.trouble[0], "IDR") {
		t.Errorf("%d pictures, %v", len(s.got), s.trouble)
	}
}

// Packets lost before key frames, in sound, count as what they held.
func TestLossOfSound(t *testing.T) {
	s := newTestStream(t, &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}, 8000)
	var line Line
	line.Start([]*Stream{s.Stream})
	for k := range 50 {
		if s.seq++; k%10 < 7 || k < 20 { // three of ten are lost
			s.seq--
			s.send(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, Timestamp: uint32(160 * k)}, Payload: make([]byte, 160)})
		}
	}
	skipped := 0
	for _, u := range s.got {
		u.At = time.Duration(u.Stamp/160) * 20 * ms
		for _, f := range line.Add(0, u) {
			skipped += f.Skipped
		}
	}
	if len(s.got) != 41 || skipped != 6 || len(s.trouble) != 2 {
		t.Errorf("%d packets, %d skipped, %v", len(s.got), skipped, s.trouble)
	}
}

// The clock of sound is that of the rtpmap, and a frame of AAC takes 1,024 samples of its
// core. Descriptions that contradict themselves are refused.
func TestClocksOfSound(t *testing.T) {
	aac := func(rate, extension int) format.Format {
		c := &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: rate, ChannelConfig: 1}
		if extension != 0 {
			c.ExtensionType, c.ExtensionSampleRate = mpeg4audio.ObjectTypeSBR, extension
		}
		return &format.MPEG4Audio{PayloadTyp: 97, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3, Config: c}
	}
	for name, c := range map[string]struct {
		format     format.Format
		rtpmap     int
		rate, core int           // 0: refused
		each       time.Duration // of a frame
	}{
		"AAC":                           {aac(16000, 0), 16000, 16000, 16000, 64 * ms},
		"HE-AAC, clock of the sound":    {aac(24000, 48000), 48000, 48000, 24000, 42666666},
		"HE-AAC, clock of the core":     {aac(24000, 48000), 24000, 24000, 24000, 42666666},
		"HE-AAC, not in the config":     {aac(24000, 0), 48000, 48000, 24000, 42666666},
		"AAC, no rtpmap":                {aac(48000, 0), 0, 48000, 48000, 21333333},
		"AAC, another clock":            {aac(44100, 0), 48000, 0, 0, 0},
		"AAC, clock of the picture":     {aac(16000, 0), 90000, 0, 0, 0},
		"HE-AAC, neither":               {aac(24000, 48000), 8000, 0, 0, 0},
		"G.711":                         {&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}, 0, 8000, 8000, 0},
		"G.711 at 16 kHz":               {&format.G711{PayloadTyp: 97, MULaw: true, SampleRate: 16000, ChannelCount: 1}, 16000, 16000, 16000, 0},
		"G.711 at 16 kHz as type 8":     {&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}, 16000, 16000, 16000, 0},
		"G.711 without a sensible rate": {&format.G711{PayloadTyp: 97, SampleRate: 1, ChannelCount: 1}, 1, 0, 0, 0},
	} {
		s, err := newStream(&description.Media{}, c.format, c.rtpmap)
		if c.rate == 0 {
			if err == nil {
				t.Errorf("%s: taken with a clock of %d Hz", name, s.Rate)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		k := clock{rate: int64(s.Rate)}
		if s.Rate != c.rate || s.Track.SampleRate != c.core || k.time(s.step) != c.each {
			t.Errorf("%s: %d Hz, track %+v, %v a frame", name, s.Rate, s.Track, k.time(s.step))
		}
	}
	// Two frames in a packet: the second one frame later.
	s := newTestStream(t, aac(24000, 48000), 48000)
	enc, err := s.Format.(*format.MPEG4Audio).CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	var line Line
	line.Start([]*Stream{s.Stream})
	for k := range 20 {
		packets, err := enc.Encode([][]byte{{1, 2}, {3}})
		if err != nil {
			t.Fatal(err)
		}
		packets[0].Timestamp = uint32(4096 * k)
		s.send(packets...)
	}
	var frames []kvsmedia.Frame
	for _, u := range s.got {
		frames = append(frames, line.Add(0, u)...)
	}
	if frames = append(frames, line.End()...); len(frames) != 40 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, f := range frames {
		if want := time.Duration(i) * 1024 * time.Second / 24000; (f.PTS - want).Abs() > 20*time.Microsecond {
			t.Fatalf("frame %d at %v, want %v", i, f.PTS, want)
		}
	}
}

// accessUnits returns the NAL units of a file by access unit.
func accessUnits(t *testing.T, path string) (aus [][][]byte) {
	t.Helper()
	r := bitstream.NewAccessUnits(openFile(t, path), bitstream.H264)
	for {
		au, err := r.Next()
		if err != nil {
			break
		}
		aus = append(aus, bitstream.Split(nil, bytes.Clone(au)))
	}
	if len(aus) < 10 {
		t.Fatalf("%d access units", len(aus))
	}
	return aus
}

// Packets of any bytes are survived.
func FuzzUnits(f *testing.F) {
	day := clips.Sub().Frames[:4]
	for _, frame := range day {
		for _, n := range bitstream.Split(nil, frame.Data) {
			f.Add(n, uint32(1), true, uint8(0))
		}
	}
	f.Add([]byte{28, 0x85, 1, 2}, uint32(9), false, uint8(0))
	f.Add([]byte{0, 16, 0, 8, 1}, uint32(9), true, uint8(2))
	f.Fuzz(func(t *testing.T, payload []byte, stamp uint32, mark bool, kind uint8) {
		formats := []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}, &format.H265{PayloadTyp: 96},
			&format.MPEG4Audio{PayloadTyp: 96, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
				Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 16000, ChannelConfig: 1}},
			&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}, &format.Opus{PayloadTyp: 96, ChannelCount: 1}}
		s := newTestStream(t, formats[int(kind)%len(formats)], 0)
		var line Line
		line.Start([]*Stream{s.Stream})
		for i := range 4 {
			cut := len(payload) * i / 4
			s.send(&rtp.Packet{Header: rtp.Header{Timestamp: stamp * uint32(i), Marker: mark}, Payload: payload[cut:]})
		}
		s.flush()
		for _, u := range s.got {
			line.Add(0, u)
		}
		for _, frame := range line.End() {
			if len(frame.Data) == 0 || frame.Track == nil {
				t.Fatalf("%+v", frame)
			}
		}
	})
}

func openFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

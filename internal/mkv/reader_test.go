package mkv

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// all reads b to its end.
func all(r io.Reader) (es []Element, offsets []int64, err error) {
	rd := NewReader(r)
	for {
		e, err := rd.Next()
		if err != nil {
			return es, offsets, err
		}
		es = append(es, e)
		offsets = append(offsets, rd.Offset())
	}
}

var opts = cmp.Options{
	cmpopts.IgnoreUnexported(Track{}),
	cmpopts.EquateEmpty(),
	cmp.FilterValues(func(x, y []byte) bool { return len(x)+len(y) > 0 }, cmp.Comparer(bytes.Equal)), // quick
}

func TestReader(t *testing.T) {
	void := el(idVoid, make([]byte, 300))
	crc := el(idCRC32, []byte{1, 2, 3, 4})
	first := [][]byte{
		crc, el(idTimestamp, num(5000)), el(0xa7, num(0)),
		el(idSimpleBlock, block(1, 0, flagKey, 0x65)), void,
		el(idSimpleBlock, block(2, -3, flagKey|flagDiscardable, 0xaa)),
		el(idBlockGroup, el(idBlock, block(1, 40, 0x80, 0x41)), el(idBlockDuration, num(33)), el(idReferenceBlock, []byte{0xd8})),
		el(idBlockGroup, el(idBlock, block(9, 41, flagInvisible, 0x42))),
	}
	second := [][]byte{el(idTimestamp, num(6000)), el(idSimpleBlock, block(1, 0, flagKey, bytes.Repeat([]byte{0x65}, 200_000)...))}
	info := el(idInfo, crc, el(idTimestampScale, num(1e6)), el(idDuration, float(1500)), el(idTitle, []byte("t")),
		el(idMuxingApp, []byte("m")), el(idWritingApp, []byte("w")), el(idDateUTC, num(uint64(time.Hour))))
	tags := el(idTags, el(idTag, el(idTargets, el(idTagTrack, num(77))),
		el(idSimpleTag, el(idTagName, []byte("NAME")), el(idTagString, []byte("value"))),
		el(idSimpleTag, el(idTagName, []byte("EMPTY")), el(idTagString)),
		el(idSimpleTag, el(idTagName, []byte("BIN")), el(idTagBinary, []byte{0, 1}))))
	cues := el(idCues, make([]byte, 50))

	video := &Track{
		Number: 1, UID: 77, Type: VideoTrack, Name: "main", Language: "eng", CodecID: "V_MPEG4/ISO/AVC",
		CodecPrivate: []byte{1, 2, 3}, PixelWidth: 640, PixelHeight: 360,
	}
	audio := &Track{
		Number: 2, Type: AudioTrack, Language: "deu", CodecID: "A_OPUS", SamplingFrequency: 48000, Channels: 2, BitDepth: 16,
		DefaultDuration: 20 * ms, CodecDelay: 6500 * time.Microsecond, SeekPreRoll: 80 * ms,
	}
	want := []Element{
		&Header{DocType: "matroska"},
		&Info{
			TimestampScale: ms, Duration: 1500 * ms, Title: "t", MuxingApp: "m", WritingApp: "w",
			Date: time.Date(2001, 1, 1, 1, 0, 0, 0, time.UTC),
		},
		Tracks{video, audio},
		&Cluster{Timestamp: 5000 * ms},
		&Block{Number: 1, Track: video, Time: 5000 * ms, Key: true, Data: []byte{0x65}},
		&Block{Number: 2, Track: audio, Time: 4997 * ms, Duration: 20 * ms, Key: true, Discardable: true, Data: []byte{0xaa}},
		&Block{Number: 1, Track: video, Time: 5040 * ms, Duration: 33 * ms, Data: []byte{0x41}},
		&Block{Number: 9, Time: 5041 * ms, Key: true, Invisible: true, Data: []byte{0x42}},
		Tags{{TrackUIDs: []uint64{77}, Simple: []SimpleTag{
			{Name: "NAME", String: "value"}, {Name: "EMPTY"}, {Name: "BIN", Binary: []byte{0, 1}},
		}}},
		&Cluster{Timestamp: 6000 * ms},
		&Block{Number: 1, Track: video, Time: 6000 * ms, Key: true, Data: bytes.Repeat([]byte{0x65}, 200_000)},
	}
	build := func(segment, cluster func(uint32, ...[]byte) []byte) []byte {
		return slices.Concat(header, void, segment(idSegment, el(idSeekHead, void), void, info, twoTracks,
			cluster(idCluster, first...), cues, tags, cluster(idCluster, second...)))
	}
	for name, b := range map[string][]byte{
		"known sizes":                 build(el, el),
		"unknown sizes":               build(open, open),
		"unknown sizes of one byte":   build(open1, open1),
		"unknown segment, clusters":   build(open1, el),
		"known segment, open cluster": build(el, open1),
	} {
		got, offsets, err := all(iotest.HalfReader(bytes.NewReader(b)))
		if err != io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got, opts); d != "" {
			t.Fatalf("%s (-want +got)\n%s", name, d)
		}
		if end := offsets[len(offsets)-1]; end != int64(len(b)) {
			t.Errorf("%s: offset %d behind the last element of %d bytes", name, end, len(b))
		}

		// Two documents in a row are the same twice.
		got, _, err = all(bytes.NewReader(slices.Concat(b, b)))
		if d := cmp.Diff(slices.Concat(want, want), got, opts); err != io.EOF || d != "" {
			t.Errorf("%s, twice: %v (-want +got)\n%s", name, err, d)
		}
	}
}

// Blocks may stand before their cluster's timestamp, and have a time before it.
func TestBlocksBeforeTimestamp(t *testing.T) {
	b := slices.Concat(header, open(idSegment, twoTracks, open(idCluster,
		el(idSimpleBlock, block(1, -200, flagKey, 1)),
		el(idBlockGroup, el(idBlock, block(1, -150, 0, 2)), el(idReferenceBlock, num(1))),
		el(idTimestamp, num(100)),
		el(idSimpleBlock, block(1, -100, 0, 3)))))
	es, offsets, err := all(bytes.NewReader(b))
	if err != io.EOF || len(es) != 6 || offsets[5] != int64(len(b)) {
		t.Fatalf("%v, %v", es, err)
	}
	if c := es[2].(*Cluster); c.Timestamp != 100*ms {
		t.Errorf("cluster at %v", c.Timestamp)
	}
	for i, e := range es[3:] {
		if b := e.(*Block); b.Time != time.Duration(i-2)*50*ms || b.Key != (i == 0) || b.Data[0] != byte(i+1) {
			t.Errorf("block %d at %v, key %v", i, b.Time, b.Key)
		}
	}
}

// The packets of a lace follow one another by what is in them, whatever the block
// or the track says of all of them.
func TestLacedSound(t *testing.T) {
	acm := func(format, bits byte) []byte { // WAVEFORMATEX
		return append([]byte{format, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, bits, 0}, 0, 0)
	}
	for name, c := range map[string]struct {
		track []byte
		sizes []int
		want  []time.Duration // of the packets, and behind them
	}{
		"G.711": {slices.Concat(el(idCodecID, []byte("A_MS/ACM")), el(idCodecPrivate, acm(7, 8))),
			[]int{160, 80, 320}, []time.Duration{0, 20 * ms, 30 * ms, 70 * ms}},
		"G.711, stereo at 16 kHz": {slices.Concat(el(idCodecID, []byte("A_MS/ACM")), el(idCodecPrivate, acm(6, 8)),
			el(idAudio, el(idSamplingFrequency, float(16000)), el(idChannels, num(2)))),
			[]int{640, 320}, []time.Duration{0, 20 * ms, 30 * ms}},
		"PCM": {slices.Concat(el(idCodecID, []byte("A_PCM/INT/LIT")), el(idAudio, el(idBitDepth, num(16)))),
			[]int{160, 320}, []time.Duration{0, 10 * ms, 30 * ms}},
		"AAC": {slices.Concat(el(idCodecID, []byte("A_AAC")), el(idAudio, el(idSamplingFrequency, float(16000)))),
			[]int{1, 2}, []time.Duration{0, 64 * ms, 128 * ms}},
		"another ACM": {slices.Concat(el(idCodecID, []byte("A_MS/ACM")), el(idCodecPrivate, acm(0x55, 0))),
			[]int{10, 20}, []time.Duration{0, 500 * ms, 1000 * ms}},
		"no bits": {el(idCodecID, []byte("A_PCM/INT/LIT")), []int{10, 20}, []time.Duration{0, 500 * ms, 1000 * ms}},
	} {
		for _, kind := range []byte{lacingXiph, lacingEBML} {
			var data []byte
			head := []byte{byte(len(c.sizes) - 1)}
			for i, n := range c.sizes {
				data = append(data, make([]byte, n)...)
				switch last := i == len(c.sizes)-1; {
				case last:
				case kind == lacingXiph:
					for ; n >= 255; n -= 255 {
						head = append(head, 255)
					}
					head = append(head, byte(n))
				case i == 0:
					head = append(head, 0x40|byte(n>>8), byte(n))
				default: // a difference, of which the middle of the range is 0
					d := n - c.sizes[i-1] + 1<<13 - 1
					head = append(head, 0x40|byte(d>>8), byte(d))
				}
			}
			b := slices.Concat(header, open(idSegment, el(idTracks, el(idTrackEntry, el(idTrackNumber, num(1)), el(idTrackType, num(2)), c.track)),
				open(idCluster, el(idTimestamp, num(0)), el(idBlockGroup, el(idBlock, block(1, 0, kind, append(head, data...)...)), el(idBlockDuration, num(uint64(500*len(c.sizes))))))))
			es, _, err := all(bytes.NewReader(b))
			if err != io.EOF || len(es) != 3+len(c.sizes) {
				t.Fatalf("%s: %d elements, %v", name, len(es), err)
			}
			for i, e := range es[3:] {
				if b := e.(*Block); len(b.Data) != c.sizes[i] || b.Time != c.want[i] || b.Time+b.Duration != c.want[i+1] {
					t.Errorf("%s: packet %d of %d bytes at %v for %v", name, i, len(b.Data), b.Time, b.Duration)
				}
			}
		}
	}
}

// Cut off anywhere, a stream gives what was whole, and io.EOF only where it
// could have ended.
func TestTruncated(t *testing.T) {
	cluster := [][]byte{
		el(idTimestamp, num(1)), el(idSimpleBlock, block(1, 0, flagKey, 1, 2, 3)),
		el(idBlockGroup, el(idBlock, block(2, 1, lacingFixed, 1, 4, 5))),
	}
	for name, b := range map[string][]byte{
		"known":   slices.Concat(header, el(idSegment, twoTracks, el(idCluster, cluster...), el(idTags), el(idCluster, cluster...))),
		"unknown": slices.Concat(header, open1(idSegment, twoTracks, open1(idCluster, cluster...), el(idTags), open1(idCluster, cluster...))),
	} {
		want, offsets, err := all(bytes.NewReader(b))
		if err != io.EOF || len(want) != 11 {
			t.Fatalf("%s: %d elements, %v", name, len(want), err)
		}
		for n := range b {
			got, _, err := all(bytes.NewReader(b[:n]))
			whole := 0
			for whole < len(offsets) && offsets[whole] <= int64(n) {
				whole++
			}
			if d := cmp.Diff(want[:whole], got, opts); d != "" {
				t.Fatalf("%s cut at %d (-want +got)\n%s", name, n, d)
			}
			unknown := name == "unknown" && n > len(header)
			if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF && n > 0 && !unknown {
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
			if whole > 0 && offsets[whole-1] == int64(n) && unknown != (err == io.EOF) {
				t.Errorf("%s cut behind element %d: %v", name, whole, err)
			}
		}
	}
}

func TestLacing(t *testing.T) {
	frames := [][]byte{bytes.Repeat([]byte{1}, 300), bytes.Repeat([]byte{2}, 255), {3}, bytes.Repeat([]byte{4}, 500)}
	data := slices.Concat(frames...)
	same := bytes.Repeat([]byte{5}, 12) // as Opus it says 20 ms
	for name, c := range map[string]struct {
		block []byte
		want  [][]byte
	}{
		"none":  {block(2, 0, 0, data...), [][]byte{data}},
		"xiph":  {block(2, 0, lacingXiph, append([]byte{3, 255, 45, 255, 0, 1}, data...)...), frames},
		"ebml":  {block(2, 0, lacingEBML, append([]byte{3, 0x41, 0x2c, 0x5f, 0xd2, 0x5f, 0x01}, data...)...), frames},
		"fixed": {block(2, 0, lacingFixed, append([]byte{3}, same...)...), [][]byte{same[:3], same[:3], same[:3], same[:3]}},
		"one":   {block(2, 0, lacingXiph, 0, 9, 9), [][]byte{{9, 9}}},
	} {
		b := slices.Concat(header, open(idSegment, twoTracks, open(idCluster, el(idTimestamp, num(0)), el(idSimpleBlock, c.block))))
		es, _, err := all(bytes.NewReader(b))
		if err != io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
		var got [][]byte
		for i, e := range es[3:] {
			got = append(got, e.(*Block).Data)
			if at := e.(*Block).Time; at != time.Duration(i)*20*ms {
				t.Errorf("%s: frame %d at %v", name, i, at)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}

	// Without a default duration the frames share the block's.
	b := slices.Concat(header, open(idSegment, twoTracks, open(idCluster, el(idTimestamp, num(0)),
		el(idBlockGroup, el(idBlock, block(1, 0, lacingFixed, 1, 8, 9)), el(idBlockDuration, num(30))))))
	es, _, _ := all(bytes.NewReader(b))
	if len(es) != 5 || es[4].(*Block).Time != 15*ms || es[4].(*Block).Duration != 15*ms {
		t.Errorf("shared duration: %+v", es[len(es)-1])
	}
}

func TestFrameDuration(t *testing.T) {
	for _, c := range []struct {
		codec string
		frame []byte
		want  time.Duration
	}{
		{"A_OPUS", []byte{0x08}, 20 * ms},  // SILK, one frame
		{"A_OPUS", []byte{0x19}, 120 * ms}, // SILK, two of 60 ms
		{"A_OPUS", []byte{0x60}, 10 * ms},  // hybrid
		{"A_OPUS", []byte{0xfc}, 20 * ms},  // CELT
		{"A_OPUS", []byte{0x83, 0x03}, 7500 * time.Microsecond},
		{"A_OPUS", []byte{0xff, 0x3f}, 120 * ms}, // too many
		{"A_OPUS", []byte{0x03}, 0},
		{"A_OPUS", nil, 0},
		{"A_AAC", []byte{1}, 64 * ms},
		{"A_MS/ACM", []byte{1}, 0},
	} {
		tr := Track{CodecID: c.codec, SamplingFrequency: 16000}
		if got := tr.frameDuration(c.frame); got != c.want {
			t.Errorf("%s %x: %v, want %v", c.codec, c.frame, got, c.want)
		}
	}
}

func TestHeaderStripping(t *testing.T) {
	stripped := func(compression ...[]byte) []byte {
		return el(idTracks, el(idTrackEntry, el(idTrackNumber, num(1)),
			el(idContentEncodings, el(idContentEncoding, compression...))))
	}
	cluster := open(idCluster, el(idTimestamp, num(0)), el(idSimpleBlock, block(1, 0, 0, 5, 6)))
	es, _, err := all(bytes.NewReader(slices.Concat(header, open(idSegment,
		stripped(el(idContentCompression, el(idContentCompAlgo, num(3)), el(idContentCompSettings, []byte{1, 2}))), cluster))))
	if err != io.EOF || !bytes.Equal(es[3].(*Block).Data, []byte{1, 2, 5, 6}) {
		t.Errorf("%v %v", es, err)
	}
	// What cannot be restored is left out, and only that.
	for want, encoding := range map[string][]byte{
		"encrypted":                   el(idContentEncodingType, num(1)),
		"compressed with algorithm 0": el(idContentCompression, el(idContentCompAlgo, num(0))),
	} {
		more := el(idSimpleBlock, block(2, 0, 0, 7))
		es, _, err := all(bytes.NewReader(slices.Concat(header, open(idSegment, stripped(encoding), cluster, more))))
		if err != io.EOF || len(es) != 4 || es[1].(Tracks)[0].Encoding != want || es[3].(*Block).Number != 2 {
			t.Errorf("%s: %v %v", want, es, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	in := func(cluster ...[]byte) []byte {
		return slices.Concat(header, open(idSegment, twoTracks, open(idCluster, cluster...)))
	}
	stamp := el(idTimestamp, num(0))
	lace := func(b ...byte) []byte { return in(stamp, el(idSimpleBlock, block(1, 0, b[0], b[1:]...))) }
	for name, b := range map[string][]byte{
		"not EBML":                 []byte("RIFF1234"),
		"starts with zero":         {0, 0, 0, 1},
		"other document":           el(idEBML, el(idDocType, []byte("other"))),
		"no header":                el(idSegment),
		"cluster outside":          slices.Concat(header, el(idCluster)),
		"block outside":            slices.Concat(header, open(idSegment, el(idSimpleBlock, block(1, 0, 0, 1)))),
		"block without timestamp":  in(el(idSimpleBlock, block(1, 0, 0, 1))),
		"blocks, other cluster":    in(el(idSimpleBlock, block(1, 0, 0, 1)), open(idCluster, stamp)),
		"much before timestamp":    in(el(idSimpleBlock, make([]byte, MaxBlock)), el(idSimpleBlock, block(1, 0, 0, 1)), stamp),
		"two segments":             slices.Concat(header, el(idSegment), el(idSegment)),
		"size of zero bits":        slices.Concat(header, open(idSegment), idBytes(idTags), []byte{0}),
		"unknown size of a block":  in(stamp, open(idSimpleBlock)),
		"block too large":          in(stamp, idBytes(idSimpleBlock), []byte{0x08, 0xff, 0xff, 0xff, 0xff}),
		"tags too large":           in(stamp, idBytes(idTags), []byte{0x08, 0xff, 0xff, 0xff, 0xff}),
		"block too short":          in(stamp, el(idSimpleBlock, []byte{0x81, 0, 0})),
		"no track number":          in(stamp, el(idSimpleBlock, []byte{0, 0, 0, 0, 0})),
		"cluster beyond segment":   slices.Concat(header, el(idSegment, idBytes(idCluster), []byte{0x90, 1, 1, 1})),
		"block beyond cluster":     slices.Concat(header, open(idSegment, el(idCluster, stamp, idBytes(idSimpleBlock), []byte{0x90}), make([]byte, 99))),
		"track without number":     slices.Concat(header, open(idSegment, el(idTracks, el(idTrackEntry)))),
		"child beyond its parent":  slices.Concat(header, open(idSegment, el(idTracks, idBytes(idTrackEntry), []byte{0x99}))),
		"scale of zero":            slices.Concat(header, open(idSegment, el(idInfo, el(idTimestampScale, num(0))))),
		"scale of a year":          slices.Concat(header, open(idSegment, el(idInfo, el(idTimestampScale, num(1<<55))))),
		"timestamp out of range":   in(el(idTimestamp, num(1<<63))),
		"block time out of range":  in(el(idTimestamp, num(math.MaxInt64/1_000_000)), el(idSimpleBlock, block(1, 1000, 0, 1))),
		"duration out of range":    in(stamp, el(idBlockGroup, el(idBlock, block(1, 0, 0, 1)), el(idBlockDuration, num(1<<62)))),
		"no lacing head":           lace(lacingXiph),
		"xiph sizes missing":       lace(lacingXiph, 2, 255, 255),
		"xiph frame too long":      lace(lacingXiph, 1, 9, 1),
		"xiph sizes eat the frame": lace(lacingXiph, 2, 3, 1, 1, 1),
		"fixed does not divide":    lace(lacingFixed, 1, 1, 2, 3),
		"ebml negative":            lace(lacingEBML, 2, 0x81, 0x80, 1, 2, 3),
		"ebml too long":            lace(lacingEBML, 1, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 1),
	} {
		rd := NewReader(bytes.NewReader(b))
		var err error
		for err == nil {
			_, err = rd.Next()
		}
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, want an error about the contents", name, err)
		}
		if _, again := rd.Next(); again != err {
			t.Errorf("%s: then %v", name, again)
		}
	}
	broken := errors.New("broken")
	if _, _, err := all(io.MultiReader(bytes.NewReader(header), iotest.ErrReader(broken))); err != broken {
		t.Errorf("the reader's own error became %v", err)
	}
}

package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Cut off anywhere, a stream gives its whole frames and then, unless it could
// have ended there, io.ErrUnexpectedEOF.
func TestReaderTruncated(t *testing.T) {
	day := clips.Day()
	video, aac := find(day, "main"), find(day, "aac")
	small := []byte{0, 0, 0, 1, 0x41, 0x9a, 1, 2, 3}
	key := day.Frames[0]
	key.Data = key.Data[:100] // parameter sets and a piece of a picture
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, video, aac)
	var wantFrames []kvsmedia.Frame
	ends := map[int]bool{} // where elements end
	var frameEnds []int
	for i := range 12 {
		f := kvsmedia.Frame{Track: video, Data: small}
		switch {
		case i%6 == 0:
			f = key
		case i%2 == 0:
			f = kvsmedia.Frame{Track: aac, Data: []byte{1, 2}}
		}
		f.PTS = time.Duration(i) * 40 * ms
		if err := errors.Join(m.WriteFrame(f), m.Tag("n", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		wantFrames = append(wantFrames, f)
		frameEnds = append(frameEnds, b.Len())
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := mkv.NewReader(bytes.NewReader(b.Bytes()))
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		if _, ok := e.(*mkv.Header); !ok { // a document is more than that
			ends[int(r.Offset())] = true
		}
	}
	for n := range b.Bytes() {
		r := kvsmedia.NewReader(iotest.HalfReader(bytes.NewReader(b.Bytes()[:n])))
		got := slices.Collect(r.Frames())
		whole := 0
		for whole < len(frameEnds) && frameEnds[whole] <= n {
			whole++
		}
		if len(got) != whole {
			t.Fatalf("cut at %d: %d frames, want %d", n, len(got), whole)
		}
		for i, f := range got {
			if !bytes.Equal(f.Data, wantFrames[i].Data) {
				t.Fatalf("cut at %d: frame %d differs", n, i)
			}
		}
		err := r.Err()
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || err != nil && ends[n] || err == nil && n > 0 && whole == len(wantFrames) && !ends[n] {
			t.Fatalf("cut at %d: %v", n, err)
		}
		r = kvsmedia.NewReader(bytes.NewReader(b.Bytes()[:n]))
		if ts, err := r.Tracks(); err == nil && len(ts) != 2 || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: tracks %v, %v", n, ts, err)
		}
	}
}

// getMedia wraps each cluster of a stream as GetMedia does: header, the
// service's tags, the cluster, the producer's tags, the service's again.
func getMedia(t *testing.T, stream []byte) []byte {
	t.Helper()
	head, clusters := cutClusters(t, stream)
	var out []byte
	for i, c := range clusters {
		pairs := func(kv ...string) {
			var tag mkv.Tag
			for i := 0; i < len(kv); i += 2 {
				tag.Simple = append(tag.Simple, mkv.SimpleTag{Name: kv[i], String: kv[i+1]})
			}
			out = mkv.AppendTags(out, mkv.Tags{tag})
		}
		out = append(out, head...)
		pairs("AWS_KINESISVIDEO_FRAGMENT_NUMBER", fmt.Sprintf("91343852333%04d", i),
			"AWS_KINESISVIDEO_SERVER_TIMESTAMP", fmt.Sprintf("%d.500", 1_700_000_001+2*i),
			producerTag[i%2], fmt.Sprintf("%d.250", 1_700_000_000+2*i))
		out = append(out, c...)
		pairs("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", "10", "AWS_KINESISVIDEO_CONTINUATION_TOKEN", fmt.Sprintf("91343852333%04d", i))
	}
	return out
}

// producerTag has the name that is seen and the one that is documented.
var producerTag = []string{"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP"}

// cutClusters returns a stream's header, and its clusters with their tags.
func cutClusters(t *testing.T, stream []byte) (head []byte, clusters [][]byte) {
	t.Helper()
	id := []byte{0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7}
	parts := bytes.Split(stream, id)
	for _, p := range parts[1:] {
		clusters = append(clusters, slices.Concat(id, p))
	}
	return parts[0], clusters
}

func TestGetMedia(t *testing.T) {
	day := clips.Day()
	tracks := []*kvsmedia.Track{find(day, "main"), find(day, "aac")}
	for _, absolute := range []bool{false, true} {
		var b bytes.Buffer
		m := kvsmedia.NewMuxer(&b, tracks...)
		var sent []kvsmedia.Frame
		for _, f := range day.Frames {
			if !slices.Contains(tracks, f.Track) {
				continue
			}
			if absolute {
				f.Time = time.UnixMilli(1_700_000_000_250).Add(f.PTS)
			}
			if err := m.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
			if f.Key && f.Track == tracks[0] {
				if err := m.Tag("at", f.PTS.String()); err != nil {
					t.Fatal(err)
				}
			}
			sent = append(sent, f)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		media := getMedia(t, b.Bytes())
		r := kvsmedia.NewReader(bytes.NewReader(media))
		list, err := r.Tracks()
		if err != nil || len(list) != 2 || list[0].Codec != kvsmedia.H264 || list[1].Codec != kvsmedia.AAC {
			t.Fatalf("tracks %v, %v", list, err)
		}
		n, i := 0, 0
		for f := range r.Fragments() {
			began := time.UnixMilli(1_700_000_000_250).Add(time.Duration(n) * 2 * time.Second)
			if f.Number != fmt.Sprintf("91343852333%04d", n) || !f.ProducerTime.Equal(began) || !f.ServerTime.Equal(began.Add(1250*ms)) {
				t.Fatalf("fragment %d: %s %v %v", n, f.Number, f.ProducerTime, f.ServerTime)
			}
			if f.Tags["at"] != (time.Duration(n)*2*time.Second).String() || f.Tags["AWS_KINESISVIDEO_MILLIS_BEHIND_NOW"] != "10" {
				t.Fatalf("fragment %d: %v", n, f.Tags)
			}
			for _, g := range f.Frames {
				w := sent[i]
				if !bytes.Equal(g.Data, w.Data) || g.Track != list[slices.Index(tracks, w.Track)] {
					t.Fatalf("frame %d: %d bytes of %v", i, len(g.Data), g.Track)
				}
				if d := g.Time.Sub(time.UnixMilli(1_700_000_000_250).Add(w.PTS)); d.Abs() > ms {
					t.Fatalf("frame %d: time off by %v", i, d)
				}
				i++
			}
			n++
		}
		if r.Err() != nil || n != 10 || i != len(sent) {
			t.Errorf("%d fragments, %d frames of %d, %v", n, i, len(sent), r.Err())
		}

		// Frame by frame, then fragment by fragment.
		r = kvsmedia.NewReader(bytes.NewReader(media))
		for f := range r.Frames() {
			if f.PTS > 0 {
				break
			}
		}
		rest := slices.Collect(r.Fragments())
		if len(rest) != 10 || len(rest[9].Frames) == 0 || rest[9].Number != "913438523330009" {
			t.Errorf("%d fragments after some frames", len(rest))
		}
	}
}

func TestStreamError(t *testing.T) {
	day := clips.Day()
	b := mux(t, false, day.Frames, day.Tracks[0])
	for text, tag := range map[string][]mkv.SimpleTag{
		"error KMS_KEY_ACCESS_DENIED (4500)": {
			{Name: "AWS_KINESISVIDEO_ERROR_CODE", String: "KMS_KEY_ACCESS_DENIED"}, {Name: "AWS_KINESISVIDEO_ERROR_ID", String: "4500"},
		},
		"error Gone: it is gone": {
			{Name: "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", String: "Gone"}, {Name: "AWS_KINESISVIDEO_EXCEPTION_MESSAGE", String: "it is gone"},
		},
	} {
		r := kvsmedia.NewReader(bytes.NewReader(mkv.AppendTags(slices.Clone(b), mkv.Tags{{Simple: tag}})))
		n := 0
		for range r.Frames() {
			n++
		}
		var failed *kvsmedia.StreamError
		if err := r.Err(); n != 300 || !errors.As(err, &failed) || !strings.Contains(err.Error(), text) {
			t.Errorf("%d frames, %v; want %s", n, err, text)
		}
	}
}

// Frames that are not as their track says.
func TestOddFrames(t *testing.T) {
	day := clips.Day()
	record := mux(t, false, day.Frames[:1], day.Tracks[0])
	rd := mkv.NewReader(bytes.NewReader(record))
	for rd.Tracks() == nil {
		if _, err := rd.Next(); err != nil {
			t.Fatal(err)
		}
	}
	private := rd.Tracks()[0].CodecPrivate
	stream := func(private []byte, frames ...string) []byte {
		b := mkv.AppendTracks(mkv.AppendHeader(nil, 2), mkv.Tracks{
			{Number: 1, Type: mkv.VideoTrack, CodecID: "V_MPEG4/ISO/AVC", CodecPrivate: private},
			{Number: 2, Type: mkv.VideoTrack, CodecID: "V_VP9"},
		})
		b = mkv.AppendCluster(b, 0)
		for i, f := range frames {
			b = append(mkv.AppendBlock(b, 1, int16(i), f[0] == 'K', len(f)-1), f[1:]...)
			b = append(mkv.AppendBlock(b, 2, int16(i), true, 1), 0)
		}
		return b
	}
	sets := string(day.Frames[0].Data[:bytes.Index(day.Frames[0].Data, []byte{0, 0, 0, 1, 0x65})])
	for name, c := range map[string]struct {
		stream []byte
		want   []string
	}{
		"record, Annex B":     {stream(private, "K\x00\x00\x01\x65ab", "P\x00\x00\x00\x01\x41c"), []string{sets + "\x00\x00\x00\x01\x65ab", "\x00\x00\x00\x01\x41c"}},
		"no record, prefixed": {stream(nil, "K\x00\x00\x00\x03\x65ab\x00\x00\x00\x02\x65c", "P\x00\x00\x00\x02\x41c"), []string{"\x00\x00\x00\x01\x65ab\x00\x00\x00\x01\x65c", "\x00\x00\x00\x01\x41c"}},
		"no record, Annex B":  {stream(nil, "P\x00\x00\x00\x01\x41c"), []string{"\x00\x00\x00\x01\x41c"}},
		"broken ones left out": {stream(private, "K\x00\x00\x00\x03\x65ab", "P\x00\x00\x00\x09\x41c", "Pxyz", "P\x00\x00\x00\x00", "P\x00\x00\x00\x02\x41c", "K\x00\x00\x00\x02\x65d", "P\x00\x00\x00\x02\x41e"),
			[]string{sets + "\x00\x00\x00\x01\x65ab", "4" + sets + "\x00\x00\x00\x01\x65d", "\x00\x00\x00\x01\x41e"}},
		"a key frame not marked":        {stream(private, "P\x00\x00\x00\x09\x41c", "P\x00\x00\x00\x02\x41c", "P\x00\x00\x00\x02\x65d"), []string{"2" + sets + "\x00\x00\x00\x01\x65d"}},
		"Annex B in the record's place": {stream([]byte(sets), "K\x00\x00\x00\x03\x65ab", "P\x00\x00\x00\x02\x41c"), []string{sets + "\x00\x00\x00\x01\x65ab", "\x00\x00\x00\x01\x41c"}},
		"Annex B throughout":            {stream([]byte(sets), "K\x00\x00\x01\x65ab", "P\x00\x00\x00\x01\x41c"), []string{sets + "\x00\x00\x00\x01\x65ab", "\x00\x00\x00\x01\x41c"}},
		"one byte first":                {stream(private, "P\x00\x00\x00\x01\x09\x00\x00\x00\x02\x41c"), []string{"\x00\x00\x00\x01\x09\x00\x00\x00\x01\x41c"}},
		"an empty one between":          {stream(private, "P\x00\x00\x00\x02\x06a\x00\x00\x00\x00\x00\x00\x00\x02\x41c"), []string{"\x00\x00\x00\x01\x06a\x00\x00\x00\x01\x41c"}},
		"record of another set":         {stream(private, "K"+strings.ReplaceAll(sets, "\x00\x00\x00\x01", "\x00\x00\x01")+"\x00\x00\x01\x65a"), []string{strings.ReplaceAll(sets, "\x00\x00\x00\x01", "\x00\x00\x01") + "\x00\x00\x01\x65a"}},
	} {
		r := kvsmedia.NewReader(bytes.NewReader(c.stream))
		var got []string
		for f := range r.Frames() {
			s := string(f.Data)
			if f.Skipped > 0 {
				s = fmt.Sprint(f.Skipped) + s
			}
			got = append(got, s)
		}
		if ts, err := r.Tracks(); err != nil || len(ts) != 1 || r.Err() != nil {
			t.Errorf("%s: %d tracks, %v, %v", name, len(ts), err, r.Err())
		}
		if out := r.LeftOut(); len(out) != 1 || out[0] != "V_VP9" {
			t.Errorf("%s: left out %q", name, out)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if _, err := kvsmedia.NewReader(strings.NewReader("RIFF")).Tracks(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("not Matroska: %v", err)
	}
	broken := errors.New("broken")
	r := kvsmedia.NewReader(iotest.ErrReader(broken))
	for range r.Frames() {
		t.Error("a frame")
	}
	if !errors.Is(r.Err(), broken) {
		t.Errorf("the reader's own error became %v", r.Err())
	}
}

package mp4_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// pictures returns a track of H.264 and its samples, of a fifteenth of a second
// each.
func pictures(t testing.TB) (*mp4.Track, []mp4.Sample) {
	t.Helper()
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	var samples []mp4.Sample
	for _, f := range clips.Sub().Frames[:60] {
		nalus := bitstream.Split(nil, f.Data)
		sets.Update(nalus)
		samples = append(samples, mp4.Sample{Duration: 6000, Sync: f.Key, Data: bitstream.AppendPrefixed(nil, nalus)})
	}
	record, err := sets.Record()
	if err != nil {
		t.Fatal(err)
	}
	return &mp4.Track{ID: 1, Codec: mp4.AVC, Config: record, Timescale: 90_000, Width: 320, Height: 180}, samples
}

// tree lists the boxes of a file with their sizes, and fails if they do not fit.
func tree(t *testing.T, b []byte, depth int) (names []string) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 8 || int(binary.BigEndian.Uint32(b)) > len(b) || binary.BigEndian.Uint32(b) < 8 {
			t.Fatalf("a box of %x", b[:min(len(b), 16)])
		}
		size, kind := binary.BigEndian.Uint32(b), string(b[4:8])
		names = append(names, strings.Repeat(" ", depth)+kind)
		switch kind {
		case "moov", "trak", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf":
			names = append(names, tree(t, b[8:size], depth+1)...)
		}
		b = b[size:]
	}
	return names
}

func TestBoxes(t *testing.T) {
	track, samples := pictures(t)
	b, err := mp4.AppendInit(nil, track)
	if err != nil {
		t.Fatal(err)
	}
	b = mp4.AppendSegment(b, 1, mp4.Run{Track: track, Samples: samples})
	want := "ftyp,moov, mvhd, trak,  tkhd,  mdia,   mdhd,   hdlr,   minf,    vmhd,    dinf,     dref,    stbl,     stsd,     stts,     stsc,     stsz,     stco, mvex,  trex,styp,moof, mfhd, traf,  tfhd,  tfdt,  trun,mdat"
	if got := strings.Join(tree(t, b, 0), ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := mp4.AppendInit(nil, &mp4.Track{Codec: "opus"}); err == nil {
		t.Error("a codec that is none of ours")
	}
}

// ffprobe reads what we write: codec, size, times, key frames, and all samples.
func TestProbed(t *testing.T) {
	ffprobe := testtools.Need(t, "ffprobe")
	track, samples := pictures(t)
	sound := &mp4.Track{ID: 2, Codec: mp4.PCMA, Timescale: 8000, SampleRate: 8000, Channels: 1}
	b, err := mp4.AppendInit(nil, track, sound)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		b = mp4.AppendSegment(b, uint32(i+1),
			mp4.Run{Track: track, Start: uint64(i) * 180_000, Samples: samples[i*30:][:30]},
			mp4.Run{Track: sound, Start: uint64(i) * 16_000, Samples: []mp4.Sample{{Duration: 16_000, Sync: true, Data: make([]byte, 16_000)}}})
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	probe := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, ffprobe, append(append([]string{"-v", "warning", "-of", "csv=p=0"}, args...), path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := probe("-count_packets", "-show_entries", "stream=codec_name,width,height,nb_read_packets"); !strings.HasPrefix(got, "h264,320,180,60\npcm_alaw,") {
		t.Error(got)
	}
	frames := strings.Split(probe("-select_streams", "v", "-show_entries", "packet=pts_time,flags"), "\n")
	for i, line := range frames {
		key := ""
		if samples[i].Sync {
			key = "K"
		}
		if want := fmt.Sprintf("%.6f,%s", float64(i)/15, key); !strings.HasPrefix(line, want) {
			t.Errorf("frame %d: %s, want %s", i, line, want)
		}
	}
}

// The box of Opus has what its head has, in the other order of bytes; a head that is cut
// off is refused.
func TestOpus(t *testing.T) {
	head := append([]byte("OpusHead\x01\x03\x38\x01\x80\xbb\x00\x00\x10\xff\x01"), 2, 1, 0, 2, 1)
	track := &mp4.Track{ID: 1, Codec: mp4.Opus, Config: head, Timescale: 48_000, SampleRate: 48_000, Channels: 3}
	b, err := mp4.AppendInit(nil, track)
	want := "\x00\x00\x00\x18dOps\x00\x03\x01\x38\x00\x00\xbb\x80\xff\x10\x01\x02\x01\x00\x02\x01"
	if err != nil || !strings.Contains(string(b), want) {
		t.Errorf("%v, %x", err, b)
	}
	for n := range head {
		track.Config = head[:n]
		if _, err := mp4.AppendInit(nil, track); err == nil {
			t.Errorf("a head of %d bytes", n)
		}
	}
	track.Config = append([]byte("OpusHead\x01\x01"), make([]byte, 9)...) // family 0 has no mapping
	if b, err = mp4.AppendInit(nil, track); err != nil || !strings.Contains(string(b), "\x00\x00\x00\x13dOps") {
		t.Errorf("%v, %x", err, b)
	}
}

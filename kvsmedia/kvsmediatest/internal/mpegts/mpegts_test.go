package mpegts_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/mpegts"
)

// segments returns two segments of two seconds of H.264 each, 30 pictures.
func segments() [][]byte {
	var out [][]byte
	frames := clips.Sub().Frames
	for i := range 2 {
		var list []mpegts.Frame
		for n, f := range frames[i*30:][:30] {
			at := 90_000 + int64(i*30+n)*6000
			list = append(list, mpegts.Frame{PTS: at, DTS: at, Key: f.Key, Data: append([]byte{0, 0, 0, 1, 9, 0xf0}, f.Data...)})
		}
		out = append(out, mpegts.AppendSegment(nil, []mpegts.Codec{mpegts.H264}, list))
	}
	return out
}

// Packets have their size, and counters that go on.
func TestPackets(t *testing.T) {
	for _, b := range segments() {
		if len(b)%188 != 0 {
			t.Fatalf("%d bytes", len(b))
		}
		counters := map[uint16]byte{}
		starts := map[uint16]int{}
		for ; len(b) > 0; b = b[188:] {
			id := binary.BigEndian.Uint16(b[1:]) & 0x1fff
			last, known := counters[id]
			if b[0] != 0x47 || known && b[3]&15 != (last+1)&15 {
				t.Fatalf("packet %x of PID %#x after counter %d", b[:4], id, last)
			}
			counters[id] = b[3] & 15
			if b[3]&0x20 != 0 && b[4] > 183 {
				t.Fatalf("adaptation field of %d bytes", b[4])
			}
			if b[1]&0x40 != 0 {
				starts[id]++
			}
		}
		if starts[0] != 1 || starts[0x1000] != 1 || starts[0x100] != 30 {
			t.Errorf("payloads by PID: %v", starts)
		}
	}
}

// Frames of every size come out of their packets whole.
func TestStuffing(t *testing.T) {
	var frames []mpegts.Frame
	for size := range 600 {
		data := make([]byte, size+1)
		for i := range data {
			data[i] = byte(size + i)
		}
		frames = append(frames, mpegts.Frame{PTS: 90_000, DTS: 90_000, Key: size%7 == 0, Data: data})
	}
	var got [][]byte
	for b := mpegts.AppendSegment(nil, []mpegts.Codec{mpegts.AAC}, frames); len(b) > 0; b = b[188:] {
		if binary.BigEndian.Uint16(b[1:])&0x1fff != 0x100 {
			continue
		}
		payload := b[4:188]
		if b[3]&0x20 != 0 {
			payload = payload[1+payload[0]:]
		}
		if b[1]&0x40 != 0 { // a frame begins, behind its head
			got = append(got, nil)
			if n := int(binary.BigEndian.Uint16(payload[4:])); n != len(frames[len(got)-1].Data)+8 {
				t.Fatalf("frame %d is announced with %d bytes", len(got)-1, n)
			}
			payload = payload[9+payload[8]:]
		}
		got[len(got)-1] = append(got[len(got)-1], payload...)
	}
	if !slices.EqualFunc(got, frames, func(b []byte, f mpegts.Frame) bool { return bytes.Equal(b, f.Data) }) {
		t.Errorf("%d frames of %d, or others", len(got), len(frames))
	}
}

// ffprobe reads segments one after another.
func TestProbed(t *testing.T) {
	ffprobe := testtools.Need(t, "ffprobe")
	s := segments()
	got := probe(t, ffprobe, append(s[0], s[1]...), "-count_packets", "-show_entries", "stream=codec_name,width,nb_read_packets")
	if lines := strings.Fields(got); len(lines) == 0 || strings.Trim(lines[0], ",") != "h264,320,60" {
		t.Error(got)
	}
}

func probe(t *testing.T, ffprobe string, media []byte, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "segment.ts")
	if err := os.WriteFile(path, media, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, ffprobe, append(append([]string{"-v", "error", "-of", "csv=p=0"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

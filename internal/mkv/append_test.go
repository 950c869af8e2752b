package mkv

import (
	"bytes"
	"encoding/hex"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is written reads back as it was.
func TestAppend(t *testing.T) {
	info := &Info{
		UUID: [16]byte{1, 2, 15: 3}, TimestampScale: ms, Date: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Title: "door", MuxingApp: "m", WritingApp: "w",
	}
	video := &Track{
		Number: 1, UID: 1 << 40, Type: VideoTrack, Name: "main", Language: "eng", CodecID: "V_MPEG4/ISO/AVC",
		CodecPrivate: []byte{1, 2, 3}, PixelWidth: 1920, PixelHeight: 1080, DefaultDuration: 33 * ms,
	}
	audio := &Track{
		Number: 126, UID: 2, Type: AudioTrack, Language: "eng", CodecID: "A_OPUS", CodecPrivate: bytes.Repeat([]byte{7}, 300),
		SamplingFrequency: 48000, Channels: 2, BitDepth: 16, CodecDelay: 6500 * time.Microsecond, SeekPreRoll: 80 * ms,
	}
	tags := Tags{
		{Simple: []SimpleTag{{Name: "A", String: "b"}, {Name: "EMPTY"}, {Name: "BIN", Binary: []byte{0, 1}}}},
		{TrackUIDs: []uint64{1 << 40, 2}, Simple: []SimpleTag{{Name: "C", String: "d"}}},
	}
	want := []Element{&Header{DocType: "matroska"}, info, Tracks{video, audio}}
	b := AppendTracks(AppendInfo(AppendHeader(nil, 2), info), Tracks{video, audio})
	sizes := []int{0, 1, 122, 123, 124, 16378, 16379, 16380, 1<<21 - 6, 1<<21 - 5, 1<<21 - 4}
	for _, at := range []uint64{0, 255, 256, 1_790_000_000_000} {
		b = AppendCluster(b, at)
		want = append(want, &Cluster{Timestamp: time.Duration(at) * ms})
		for _, size := range sizes {
			data := bytes.Repeat([]byte{9}, size)
			if n := len(AppendBlock(nil, 1, 0, true, size)); BlockHead(size) != n {
				t.Errorf("BlockHead(%d) = %d, want %d", size, BlockHead(size), n)
			}
			b = append(AppendBlock(b, 1, -32768, true, size), data...)
			b = append(AppendBlock(b, 126, 32767, false, size), data...)
			want = append(want,
				&Block{Number: 1, Track: video, Time: time.Duration(int64(at)-32768) * ms, Duration: 33 * ms, Key: true, Data: data},
				&Block{Number: 126, Track: audio, Time: time.Duration(at+32767) * ms, Duration: opusDuration(data), Data: data})
		}
		b = AppendTags(b, tags)
		want = append(want, tags)
	}
	got, _, err := all(bytes.NewReader(b))
	if d := cmp.Diff(want, got, opts); err != io.EOF || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
}

// The bytes are those of the producers whose streams the service is known to
// take: sizes of the stream unknown, nothing that refers to a position.
func TestAppendBytes(t *testing.T) {
	want := "1a45dfa3" + "10000023" + "428681" + "01" + "42f781" + "01" + "42f281" + "04" + "42f381" + "08" +
		"428288" + hex.EncodeToString([]byte("matroska")) + "428781" + "02" + "428581" + "02" +
		"18538067" + "ff" +
		"1549a966" + "10000007" + "2ad7b183" + "0f4240" +
		"1f43b675" + "ff" + "e782" + "03e8" + "a781" + "00" +
		"a386" + "82" + "ffff" + "80" + "6869" +
		"1254c367" + "10000014" + "7373" + "1000000e" + "67c8" + "10000008" + "45a3" + "81" + "41" + "4487" + "81" + "62"
	b := AppendInfo(AppendHeader(nil, 2), &Info{})
	b = append(AppendBlock(AppendCluster(b, 1000), 2, -1, true, 2), "hi"...)
	b = AppendTags(b, Tags{{Simple: []SimpleTag{{Name: "A", String: "b"}}}})
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendAllocations(t *testing.T) {
	tags := Tags{{Simple: []SimpleTag{{Name: "A", String: "b"}}}}
	b := slices.Grow([]byte(nil), 1<<10)
	if n := testing.AllocsPerRun(100, func() { AppendTags(AppendBlock(AppendCluster(b, 1e12), 1, 3, true, 500), tags) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

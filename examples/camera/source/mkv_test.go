package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

var testAvcC = []byte{1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68}

// element is an EBML element; its size takes eight bytes.
func element(id uint32, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	b := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")
	b = binary.BigEndian.AppendUint64(b, 1<<56|uint64(len(body)))
	return append(b, body...)
}

func number(id uint32, v byte) []byte { return element(id, []byte{v}) }

// mkvBytes has a picture of 25 frames a second and sound of 50 packets a second.
func mkvBytes(video, audio [][]byte) []byte {
	entry := func(n byte, kind byte, codec string, more ...[]byte) []byte {
		return element(0xAE, append([][]byte{number(0xD7, n), number(0x73C5, n), number(0x83, kind), element(0x86, []byte(codec))}, more...)...)
	}
	tracks := element(0x1654AE6B,
		entry(1, 1, "V_MPEG4/ISO/AVC", element(0x63A2, testAvcC), element(0xE0, number(0xB0, 64), number(0xBA, 64))),
		entry(2, 17, "S_TEXT/UTF8"),
		entry(3, 2, "A_MS/ACM", element(0x63A2, []byte{7, 0, 1, 0}), element(0xE1, number(0x9F, 1), element(0xB5, []byte{0x45, 0xfa, 0, 0}))))
	var cluster []byte
	block := func(track byte, ms int, key bool, data []byte) {
		head := binary.BigEndian.AppendUint16([]byte{0x80 | track}, uint16(ms))
		flags := byte(0)
		if key {
			flags = 0x80
		}
		cluster = append(cluster, element(0xA3, head, []byte{flags}, data)...)
	}
	for i := range audio {
		if i%2 == 0 && i/2 < len(video) {
			block(1, i*20, i/2%10 == 0, video[i/2])
		}
		block(2, i*20, true, []byte("hello"))
		block(3, i*20, true, audio[i])
	}
	return append(element(0x1A45DFA3, element(0x4282, []byte("matroska"))),
		element(0x18538067, element(0x1549A966, element(0x2AD7B1, []byte{0x0f, 0x42, 0x40})), tracks,
			element(0x1F43B675, append(element(0xE7, []byte{2, 0}), cluster...)))...)
}

func TestMKV(t *testing.T) {
	aus, audio := pictures(30), packets(60)
	var stored [][]byte
	for _, au := range aus {
		stored = append(stored, bitstream.AppendPrefixed(nil, au))
	}
	video, whole := framed(aus), mkvBytes(stored, audio)
	for _, path := range []string{
		write(t, "in.mkv", whole),
		write(t, "cut.mkv", whole[:len(whole)-1]), // in the last packet of sound
	} {
		synctest.Test(t, func(t *testing.T) {
			s, frames := collect(t, path, 400)
			got := ""
			for _, tr := range s.Tracks() {
				got += fmt.Sprintf("%s %s %d %d %x;", tr.Name, tr.Codec, tr.SampleRate, tr.Channels, tr.Private)
			}
			if want := "main H264 0 0 ;audio PCMU 8000 1 ;"; got != want {
				t.Errorf("tracks %s, want %s", got, want)
			}
			for i, f := range of(frames, kvsmedia.H264) {
				if !bytes.Equal(f.Data, video[i%30]) || f.Key != (i%30%10 == 0) || f.PTS != time.Duration(i)*40*time.Millisecond {
					t.Fatalf("picture %d at %v differs", i, f.PTS)
				}
			}
			sound := of(frames, kvsmedia.PCMU)
			for i, f := range sound[:59] {
				if !bytes.Equal(f.Data, audio[i]) || f.PTS != time.Duration(i)*20*time.Millisecond {
					t.Fatalf("packet %d at %v differs", i, f.PTS)
				}
			}
		})
	}
}

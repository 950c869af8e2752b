package nalu_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/nalu"
)

// pictures returns the NAL units of a clip's pictures.
func pictures(c *clips.Clip) (codec kvsmedia.Codec, list [][][]byte) {
	for _, f := range c.Frames {
		if f.Track == c.Tracks[0] {
			list = append(list, nalu.Split(nil, f.Data))
		}
	}
	return c.Tracks[0].Codec, list
}

// keys reports which pictures of a clip are key frames.
func keys(c *clips.Clip) (list []bool) {
	for _, f := range c.Frames {
		if f.Track == c.Tracks[0] {
			list = append(list, f.Key)
		}
	}
	return list
}

func assembler(t *testing.T, c kvsmedia.Codec) *nalu.Assembler {
	t.Helper()
	a, err := nalu.NewAssembler(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// annexB puts start codes before NAL units.
func annexB(nalus [][]byte) (b []byte) {
	for _, n := range nalus {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// Pictures come out as they were put in, with their stamps, whether they are pushed
// or handed over whole, and stay as they are.
func TestAssembler(t *testing.T) {
	for _, clip := range []*clips.Clip{clips.Day(), clips.HEVC()} {
		codec, list := pictures(clip)
		list, keys := list[:20], keys(clip)
		pushed, whole := assembler(t, codec), assembler(t, codec)
		var got, other []nalu.AccessUnit
		for i, nalus := range list {
			for _, n := range nalus {
				if au, ok := pushed.Push(n, int64(i)); ok {
					got = append(got, au)
				}
			}
			if au, ok := pushed.Mark(); ok {
				got = append(got, au)
			}
			other = append(other, whole.Whole(int64(i), nalus...))
		}
		if waiting, _ := pushed.Waiting(); waiting {
			t.Errorf("%v: the last picture waits, though marks were right", codec)
		}
		if _, ok := pushed.Flush(); ok {
			t.Errorf("%v: a picture comes twice", codec)
		}
		if len(got) != len(list) {
			t.Fatalf("%v: %d pictures, want %d", codec, len(got), len(list))
		}
		for i, au := range got {
			if want := annexB(list[i]); au.Err != nil || au.Stamp != int64(i) || au.Key != keys[i] || !bytes.Equal(au.Data, want) || !bytes.Equal(other[i].Data, want) || other[i].Key != au.Key {
				t.Errorf("%v: picture %d: stamp %d, key %v, %v; whole: %v", codec, i, au.Stamp, au.Key, au.Err, other[i].Err)
			}
		}
	}
}

// A key frame without parameter sets gets those that came before, or from elsewhere; a
// picture that is not one, or is not whole, is an error.
func TestAssemblerMends(t *testing.T) {
	codec, list := pictures(clips.Day())
	var sets, bare [][]byte
	for _, n := range list[0] {
		if kind := n[0] & 0x1f; kind == 7 || kind == 8 {
			sets = append(sets, n)
		} else {
			bare = append(bare, n)
		}
	}
	a := assembler(t, codec)
	if au := a.Whole(0, bare...); au.Err == nil || !strings.Contains(au.Err.Error(), "no parameter sets came before it") || au.Data != nil {
		t.Errorf("a key frame without sets: %v", au.Err)
	}
	a.SetParameters(sets...)
	if au := a.Whole(0, bare...); au.Err != nil || !bytes.Contains(au.Data, annexB(sets)) {
		t.Errorf("a key frame whose sets came from elsewhere: %v", au.Err)
	}
	for name, nalus := range map[string][][]byte{"nothing": nil, "sets alone": sets, "two pictures": slices.Concat(list[1], list[2]), "no NAL unit": {nil}} {
		if au := a.Whole(0, nalus...); au.Err == nil {
			t.Errorf("%s is a picture", name)
		}
	}
	if _, ok := a.Push(list[1][0], 1); ok {
		t.Error("a picture is over at its beginning")
	}
	a.Drop()
	if _, ok := a.Flush(); ok {
		t.Error("a picture that was dropped came")
	}
	if _, err := nalu.NewAssembler(kvsmedia.Opus); err == nil || !strings.Contains(err.Error(), "Opus") {
		t.Errorf("an assembler of Opus: %v", err)
	}
	if _, _, err := nalu.ParseRecord(kvsmedia.AAC, nil); err == nil {
		t.Error("a record of AAC was read")
	}
}

// The sample of an MP4 file as a frame's data.
func ExampleAssembler_Whole() {
	record, sample := readMP4()
	lengths, sets, err := nalu.ParseRecord(kvsmedia.H264, record)
	if err != nil {
		fmt.Println(err)
		return
	}
	pictures, err := nalu.NewAssembler(kvsmedia.H264)
	if err != nil {
		fmt.Println(err)
		return
	}
	pictures.SetParameters(sets...)
	nalus, err := nalu.SplitPrefixed(nil, sample, lengths)
	if err != nil {
		fmt.Println(err)
		return
	}
	au := pictures.Whole(0, nalus...)
	fmt.Println(au.Key, len(nalu.Split(nil, au.Data)) > len(nalus), au.Err)
	// Output: true true <nil>
}

// readMP4 returns an avcC record and a key frame without parameter sets.
func readMP4() (record, sample []byte) {
	_, list := pictures(clips.Day())
	var sps, pps []byte
	for _, n := range list[0] {
		switch n[0] & 0x1f {
		case 7:
			sps = n
		case 8:
			pps = n
		default:
			sample = append(append(sample, 0, byte(len(n)>>16), byte(len(n)>>8), byte(len(n))), n...)
		}
	}
	record = append([]byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1, byte(len(sps) >> 8), byte(len(sps))}, sps...)
	return append(append(record, 1, byte(len(pps)>>8), byte(len(pps))), pps...), sample
}

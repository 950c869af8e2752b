package source

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Parameter sets of a 320x180 picture, constrained baseline.
var (
	testSPS, _ = hex.DecodeString("6742c00dd901419f9f016a020202800000030080000019478a1520")
	testPPS, _ = hex.DecodeString("68cb8cb2")
)

// pictures returns n access units as NAL units: a key frame with parameter
// sets every ten, payloads of random bytes, some of them larger than an RTP packet.
func pictures(n int) [][][]byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	slice := func(key bool, size int) []byte {
		b := testmedia.SliceHead(key, true, 0)
		for range size {
			b = append(b, byte(1+r.IntN(255)))
		}
		return b
	}
	var all [][][]byte
	for i := range n {
		if i%10 == 0 {
			all = append(all, [][]byte{testSPS, testPPS, slice(true, 5000+r.IntN(5000))})
		} else {
			all = append(all, [][]byte{slice(false, 10+r.IntN(3000))})
		}
	}
	return all
}

func annexB(aus [][][]byte) []byte {
	var b []byte
	for _, au := range aus {
		b = bitstream.AppendAnnexB(b, au)
	}
	return b
}

// framed returns each access unit in Annex B.
func framed(aus [][][]byte) (frames [][]byte) {
	for _, au := range aus {
		frames = append(frames, bitstream.AppendAnnexB(nil, au))
	}
	return frames
}

// packets returns n audio packets of different sizes.
func packets(n int) [][]byte {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	var all [][]byte
	for range n {
		p := make([]byte, 20+r.IntN(200))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		all = append(all, p)
	}
	return all
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// collect opens a source and takes n frames.
func collect(t *testing.T, spec string, n int) (*Source, []kvsmedia.Frame) {
	t.Helper()
	s, err := Open(t.Context(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var frames []kvsmedia.Frame
	for f := range s.Frames(ctx) {
		if frames = append(frames, f); len(frames) == n {
			break
		}
	}
	if s.Err() != nil || len(frames) < n {
		t.Fatalf("%d frames of %d: %v", len(frames), n, s.Err())
	}
	return s, frames
}

// of returns the frames of one codec.
func of(frames []kvsmedia.Frame, c kvsmedia.Codec) (some []kvsmedia.Frame) {
	for _, f := range frames {
		if f.Track.Codec == c {
			some = append(some, f)
		}
	}
	return some
}

func samePictures(t *testing.T, frames []kvsmedia.Frame, want [][][]byte) {
	t.Helper()
	for i, f := range frames {
		au := want[i%len(want)]
		if !bytes.Equal(f.Data, bitstream.AppendAnnexB(nil, au)) {
			t.Fatalf("picture %d: %d bytes are not the %d that went in", i, len(f.Data), len(annexB([][][]byte{au})))
		}
		if f.Key != (i%len(want)%10 == 0) {
			t.Fatalf("picture %d: key %v", i, f.Key)
		}
	}
}

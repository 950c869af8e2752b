package encoders

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os/exec"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// openH264 runs a pipeline of GStreamer to its end.
const openH264 = `
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
if sys.argv[1] == "check":
    missing = [n for n in ("openh264enc", "rawvideoparse", "fdsrc", "fdsink") if not Gst.ElementFactory.find(n)]
    sys.exit("GStreamer lacks " + ", ".join(missing) if missing else 0)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if message.type == Gst.MessageType.ERROR:
    sys.exit(str(message.parse_error()))
`

// python is Debian's, which has GStreamer's bindings.
const python = "/usr/bin/python3"

// command returns the encoder's process. Without the programs the test ends.
func (e Encoder) command(ctx context.Context, t testing.TB, f scenes.Film) *exec.Cmd {
	if e.Program == OpenH264 {
		testtools.NeedRun(t, python, "-c", openH264, "check")
		return exec.CommandContext(ctx, python, "-c", openH264, e.gstreamer(f))
	}
	return exec.CommandContext(ctx, testtools.Need(t, "ffmpeg"), e.ffmpeg(f)...)
}

// Encode yields the frames that an encoder makes of a film, in Annex B, with PTS from 0
// on. Pictures are drawn while frames are taken: hours need no more memory than minutes.
// The test fails if the encoder does, or if it leaves a picture out; without ffmpeg,
// or GStreamer for OpenH264, it ends (see testtools.Need).
func Encode(t testing.TB, f scenes.Film, e Encoder) iter.Seq[kvsmedia.Frame] {
	t.Helper()
	return func(yield func(kvsmedia.Frame) bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cmd := e.command(ctx, t, f)
		in, inErr := cmd.StdinPipe()
		out, outErr := cmd.StdoutPipe()
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := errors.Join(inErr, outErr); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		drawn := make(chan int, 1)
		go func() { drawn <- feed(in, f.Pictures) }()
		n, err := take(out, f.Rate, e.Codec(), yield)
		if err != nil {
			cancel()
		}
		wait := cmd.Wait() // it closes the pipes, which ends feed
		switch pictures := <-drawn; {
		case errors.Is(err, errEnough):
		case err != nil || wait != nil:
			t.Fatalf("%v: %v, %v\n%s%v", e, err, wait, stderr.Bytes(), cmd)
		case n != pictures:
			t.Fatalf("%v: %d frames of %d pictures\n%s%v", e, n, pictures, stderr.Bytes(), cmd)
		}
	}
}

// feed writes pictures until there are none or nobody reads them.
func feed(to io.WriteCloser, pictures iter.Seq[[]byte]) (n int) {
	defer to.Close()
	for p := range pictures {
		if _, err := to.Write(p); err != nil {
			break
		}
		n++
	}
	return n
}

// errEnough is take's if the consumer wants no more.
var errEnough = errors.New("enough")

// take yields the access units of a stream.
func take(from io.Reader, rate int, codec kvsmedia.Codec, yield func(kvsmedia.Frame) bool) (n int, err error) {
	track := &kvsmedia.Track{Codec: codec, Name: "main"}
	c := bitstream.H264
	if codec == kvsmedia.H265 {
		c = bitstream.H265
	}
	units := bitstream.NewAccessUnits(from, c)
	var nalus [][]byte
	for ; ; n++ {
		au, err := units.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		nalus = bitstream.Split(nalus[:0], au)
		f := kvsmedia.Frame{Track: track, PTS: time.Duration(n) * time.Second / time.Duration(rate), Key: c.HasKey(nalus), Data: bytes.Clone(au)}
		if !yield(f) {
			return n, errEnough
		}
	}
}

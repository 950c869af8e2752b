package encoders

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Program is an encoder.
type Program uint8

// The encoders.
const (
	X264     Program = iota // H.264, in ffmpeg
	X265                    // H.265, in ffmpeg
	OpenH264                // H.264, in GStreamer; it knows neither Capped nor CBR
)

// Control is how an encoder chooses its quantiser.
type Control uint8

// The controls.
const (
	Quality Control = iota // constant quality: x264's and x265's CRF; a fixed quantiser in OpenH264
	VBR                    // an average bitrate, with a buffer of many seconds
	Capped                 // constant quality up to a bitrate, with a buffer of one second
	CBR                    // a constant bitrate, with filling if x264 has too little to say
)

// Encoder is an encoder and its settings, which are those of cameras: no B-frames, no
// look ahead.
type Encoder struct {
	Program Program
	Control Control

	// GOP is the distance of key frames in pictures; 0 means 30, 1 makes all pictures
	// key frames.
	GOP int

	// Quality is the CRF or the quantiser of Quality and Capped; 0 means 23 for x264, 26
	// for x265 and 28 for OpenH264.
	Quality int

	// Bitrate is that of the other controls in bit/s; 0 means 0.12 bits for each pixel:
	// 414 kbit/s for 640 x 360 pixels 15 times a second.
	Bitrate int

	// Buffer is CBR's buffer; 0 means 500 ms.
	Buffer time.Duration

	Slices   int    // of each picture; 0 means 1
	SceneCut bool   // key frames also where the picture changes
	Preset   string // of x264 and x265; "" means veryfast and ultrafast
}

// String names the encoder for tests, such as "x264 CBR 500ms GOP 30".
func (e Encoder) String() string {
	e = e.defaults(scenes.Film{})
	s := [...]string{"x264", "x265", "OpenH264"}[e.Program] + " " + [...]string{"quality", "VBR", "capped", "CBR"}[e.Control]
	if e.Control == CBR {
		s += " " + e.Buffer.String()
	}
	s += fmt.Sprint(" GOP ", e.GOP)
	if e.Slices > 1 {
		s += fmt.Sprint(" slices ", e.Slices)
	}
	if e.SceneCut {
		s += " scenecut"
	}
	return s
}

// Codec returns what the encoder makes.
func (e Encoder) Codec() kvsmedia.Codec {
	if e.Program == X265 {
		return kvsmedia.H265
	}
	return kvsmedia.H264
}

func (e Encoder) defaults(f scenes.Film) Encoder {
	e.GOP, e.Slices = cmp.Or(e.GOP, 30), cmp.Or(e.Slices, 1)
	e.Quality = cmp.Or(e.Quality, [...]int{23, 26, 28}[e.Program])
	e.Bitrate = cmp.Or(e.Bitrate, f.Width*f.Height*f.Rate*12/100)
	e.Buffer = cmp.Or(e.Buffer, 500*time.Millisecond)
	e.Preset = cmp.Or(e.Preset, [...]string{"veryfast", "ultrafast", ""}[e.Program])
	return e
}

// ffmpeg returns the arguments of ffmpeg, which reads raw pictures and writes Annex B.
func (e Encoder) ffmpeg(f scenes.Film) []string {
	e = e.defaults(f)
	args := fmt.Sprintf("-nostdin -v error -f rawvideo -pix_fmt yuv420p -s %dx%d -r %d -i pipe:0 -threads 1 -bf 0", f.Width, f.Height, f.Rate)
	params := []string{"keyint=" + strconv.Itoa(e.GOP), "min-keyint=" + strconv.Itoa(e.GOP), "slices=" + strconv.Itoa(e.Slices)}
	if e.SceneCut {
		params = append(params, "scenecut=40")
		params[1] = "min-keyint=1"
	} else {
		params = append(params, "scenecut=0")
	}
	kbit, buffer := e.Bitrate/1000, time.Duration(0)
	switch e.Control {
	case Quality:
		params = append(params, "crf="+strconv.Itoa(e.Quality))
	case VBR:
		params = append(params, "bitrate="+strconv.Itoa(kbit), "vbv-maxrate="+strconv.Itoa(4*kbit))
		buffer = 10 * time.Second
	case Capped:
		params = append(params, "crf="+strconv.Itoa(e.Quality), "vbv-maxrate="+strconv.Itoa(kbit))
		buffer = time.Second
	case CBR:
		params = append(params, "bitrate="+strconv.Itoa(kbit), "vbv-maxrate="+strconv.Itoa(kbit))
		buffer = e.Buffer
	}
	if buffer > 0 {
		params = append(params, "vbv-bufsize="+strconv.Itoa(int(int64(kbit)*int64(buffer)/int64(time.Second))))
	}
	if e.Program == X265 {
		params = append(params, "bframes=0", "open-gop=0", "pools=none", "frame-threads=1", "repeat-headers=1", "info=0", "log-level=none")
		if e.Control == CBR {
			params = append(params, "strict-cbr=1")
		}
		return append(strings.Fields(args), "-c:v", "libx265", "-preset", e.Preset, "-tune", "zerolatency", "-x265-params", strings.Join(params, ":"), "-f", "hevc", "pipe:1")
	}
	if e.Control == CBR {
		params = append(params, "nal-hrd=cbr")
	}
	return append(strings.Fields(args), "-c:v", "libx264", "-preset", e.Preset, "-tune", "zerolatency",
		"-x264-params", strings.Join(params, ":"), "-f", "h264", "pipe:1")
}

// gstreamer returns the pipeline of OpenH264.
func (e Encoder) gstreamer(f scenes.Film) string {
	e = e.defaults(f)
	control := fmt.Sprintf("rate-control=off qp-min=%d qp-max=%d", e.Quality, e.Quality)
	if e.Control != Quality {
		control = fmt.Sprintf("rate-control=bitrate bitrate=%d max-bitrate=%d", e.Bitrate, 4*e.Bitrate)
	}
	return fmt.Sprintf("fdsrc fd=0 ! rawvideoparse format=i420 width=%d height=%d framerate=%d/1 ! openh264enc %s gop-size=%d "+
		"slice-mode=n-slices num-slices=%d scene-change-detection=%t complexity=low multi-thread=1 ! video/x-h264,stream-format=byte-stream,alignment=au ! fdsink fd=1",
		f.Width, f.Height, f.Rate, control, e.GOP, e.Slices, e.SceneCut)
}

//go:build unix

package kvsmedia_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	hdRate  = 30                     // pictures a second
	hdBytes = 4_000_000 / 8 / hdRate // of a picture, at 4 Mbit/s
	hdEvery = time.Second / time.Duration(hdRate)
)

// hd returns n pictures at 4 Mbit/s, the first of which is a key frame.
func hd(n int) []kvsmedia.Frame {
	rnd := rand.NewChaCha8([32]byte{})
	key := clips.Day().Frames[0]
	frames := make([]kvsmedia.Frame, n)
	for i := range frames {
		frames[i] = kvsmedia.Frame{Track: key.Track, Data: picture(rnd, hdBytes, false)}
	}
	frames[0].Data = key.Data
	return frames
}

// anon returns the anonymous memory of the process in MiB, where the system says
// it, after the collector has run.
func anon(b *testing.B) float64 {
	debug.FreeOSMemory()
	return anonNow(b)
}

func anonNow(b *testing.B) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "RssAnon:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	b.Skip("the system does not tell anonymous memory")
	return 0
}

// BenchmarkUpload sends media as fast as the service's quota of five fragments a
// second lets it; an iteration is a fragment, of 9 MB or of 1 MB. x-raw compares the
// processor time with that of sending as many bytes through net/http over TLS in large
// writes, which is done in turns with it; of both the fastest turn counts.
func BenchmarkUpload(b *testing.B) {
	for _, seconds := range []int{18, 2} {
		b.Run(strconv.Itoa(seconds)+"s", func(b *testing.B) { benchmarkUpload(b, seconds, 180/seconds) })
	}
}

// benchmarkUpload sends fragments of so many seconds, some of them in a turn.
func benchmarkUpload(b *testing.B, seconds, turn int) {
	cfg, raw := remote(b)
	frames := hd(seconds * hdRate)
	var all []byte
	for _, f := range frames {
		all = append(all, f.Data...)
	}
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: cfg, Stream: door, Tracks: video(), Block: true, BufferBytes: 32 << 20, Logger: quiet,
	})
	if err != nil {
		b.Fatal(err)
	}
	client := insecure()
	defer client.CloseIdleConnections()
	upload, floor := time.Hour, time.Hour // a GB
	for left := b.N; left > 0; left -= turn {
		count := min(left, turn)
		from := testtools.CPU()
		err = p.Upload(b.Context(), func(yield func(kvsmedia.Frame) bool) {
			for n := range count * len(frames) {
				f := frames[n%len(frames)]
				f.PTS = time.Duration(n) * hdEvery
				if !yield(f) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		upload = min(upload, aGB(testtools.CPU()-from, len(all)*count))
		from = testtools.CPU()
		post(b, client, raw, &chunks{data: all, left: count * len(all)})
		floor = min(floor, aGB(testtools.CPU()-from, len(all)*count))
	}
	if st := p.Stats(); st.UnfitFrames > 0 {
		b.Fatalf("%d frames were left out", st.UnfitFrames)
	}
	b.ReportMetric(upload.Seconds(), "cpu-s/GB")
	b.ReportMetric(upload.Seconds()/floor.Seconds(), "x-raw")
	b.ReportMetric(0, "ns/op")
}

func aGB(spent time.Duration, bytes int) time.Duration {
	return time.Duration(float64(spent) / float64(bytes) * 1e9)
}

func post(b *testing.B, client *http.Client, url string, body io.Reader) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, body)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
}

// chunks is a body of data, again and again, that is written in large pieces.
type chunks struct {
	data     []byte
	at, left int
}

func (c *chunks) next() []byte {
	c.at %= len(c.data)
	piece := c.data[c.at:min(c.at+128<<10, len(c.data), c.at+c.left)]
	c.at += len(piece)
	c.left -= len(piece)
	return piece
}

func (c *chunks) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

func (c *chunks) WriteTo(w io.Writer) (n int64, err error) {
	for c.left > 0 && err == nil {
		var m int
		m, err = w.Write(c.next())
		n += int64(m)
	}
	return n, err
}

// BenchmarkStream4Mbit uploads one stream in real time; an iteration is a second
// of it, after one in which it starts. anon-MiB is the memory beyond that of the frames, which a camera has
// anyway.
func BenchmarkStream4Mbit(b *testing.B) {
	cfg, _ := remote(b)
	frames := hd(2 * hdRate)
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: door, Tracks: video(), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	before := anon(b)
	most := 0.0
	var began time.Time
	var from time.Duration
	err = p.Upload(b.Context(), func(yield func(kvsmedia.Frame) bool) {
		tick := time.NewTicker(hdEvery)
		defer tick.Stop()
		for n := range (b.N + 1) * hdRate {
			if n == hdRate {
				began, from = time.Now(), testtools.CPU()
			}
			f := frames[n%len(frames)]
			f.PTS, f.Time = time.Duration(n)*hdEvery, time.Now()
			if !yield(f) {
				return
			}
			if n%(10*hdRate) == hdRate-1 {
				most = max(most, anonNow(b))
			}
			<-tick.C
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(100*(testtools.CPU()-from).Seconds()/time.Since(began).Seconds(), "cpu-%")
	b.ReportMetric(most-before, "anon-MiB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOutage takes two minutes of a stream at 4 Mbit/s, at once, while the
// service cannot be reached. MiB is the memory that this takes, over-MiB what of it
// is not the frames.
func BenchmarkOutage(b *testing.B) {
	cfg, _ := remote(b)
	cfg.HTTPClient = &http.Client{Transport: unreachable{}}
	frames := hd(2 * hdRate)
	for range b.N {
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: door, Tracks: video(), Logger: quiet, Linger: -1})
		if err != nil {
			b.Fatal(err)
		}
		before := anon(b)
		ctx, cancel := context.WithCancel(b.Context())
		err = p.Upload(ctx, func(yield func(kvsmedia.Frame) bool) {
			defer cancel()
			size := 0
			for n := range 120 * hdRate {
				f := frames[n%len(frames)]
				f.PTS, f.Data = time.Duration(n)*hdEvery, bytes.Clone(f.Data) // as a camera's ring has it
				size += cap(f.Data)
				if !yield(f) {
					return
				}
			}
			took := anon(b) - before
			b.ReportMetric(took, "MiB")
			b.ReportMetric(took-float64(size)/(1<<20), "over-MiB")
			if st := p.Stats(); st.Dropped.Frames > 0 {
				b.Errorf("%+v", st.Dropped)
			}
		})
		if !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
		runtime.KeepAlive(p)
	}
	b.ReportMetric(0, "ns/op")
}

// unreachable is a network that is not there.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, syscall.ENETUNREACH }

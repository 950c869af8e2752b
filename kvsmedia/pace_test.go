package kvsmedia_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// began returns when the service began to take each fragment.
func began(events []kvsmediatest.Event) (at []time.Time) {
	for _, e := range events {
		if e.Name == "BUFFERING" {
			at = append(at, e.Time)
		}
	}
	return at
}

// TestFragmentPace has a minute of fragments wait for the network, which is cut
// again while they are sent, and a second Upload follow at once: a service that
// takes them as fast as they come never gets more than five in a second.
func TestFragmentPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{FragmentRate: -1}}, kvsmedia.ProducerConfig{Tracks: video(), Block: true})
		defer s.srv.Close()
		s.srv.Inject(
			kvsmediatest.Fault{Skip: 23, When: kvsmediatest.Buffering, Do: kvsmediatest.Reset},
			kvsmediatest.Fault{Skip: 41, When: kvsmediatest.Buffering, Do: kvsmediatest.Reset},
		)
		for range 2 {
			frames := slices.Collect(play(gop(10), time.Minute)) // a fragment a second, all there at once
			if err := s.Upload(t.Context(), s.note(slices.Values(frames))); err != nil {
				t.Fatal(err)
			}
		}
		s.all(nil)
		at := began(s.srv.Events())
		if len(at) < 120 || s.Stats().Sessions < 4 {
			t.Fatalf("%d fragments began in %d sessions: the test shows nothing", len(at), s.Stats().Sessions)
		}
		for i := 5; i < len(at); i++ {
			if d := at[i].Sub(at[i-5]); d < time.Second {
				t.Fatalf("fragments %d to %d began within %v", i-5, i, d)
			}
		}
		if took := at[59].Sub(at[0]); took > 16*time.Second {
			t.Errorf("60 fragments took %v, five a second are allowed", took)
		}
	})
}

// deaf is a transport that loses what the service says of one fragment, after it
// has begun to take it.
type deaf struct {
	http.RoundTripper
	skip int // fragments that are heard of before

	mu   sync.Mutex
	lost string // number of the fragment
}

func (d *deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "/putMedia") {
		resp.Body = &deafBody{resp.Body, d, bufio.NewReader(resp.Body), nil}
	}
	return resp, err
}

type deafBody struct {
	io.Closer
	deaf  *deaf
	lines *bufio.Reader
	rest  []byte
}

func (b *deafBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		line, err := b.lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 && b.deaf.hears(line) {
			b.rest = line
		} else if err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (d *deaf) hears(line []byte) bool {
	var ack struct{ EventType, FragmentNumber string }
	if json.Unmarshal(line, &ack) != nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if ack.EventType == "BUFFERING" {
		if d.skip--; d.skip == -1 {
			d.lost = ack.FragmentNumber
		}
		return true
	}
	return ack.FragmentNumber != d.lost
}

// TestLostAcknowledgement loses the acknowledgements of one fragment while those of
// all others come: after six times the patience of 7 s the session is given up, and
// the fragment sent again.
func TestLostAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		const lost, fragmentLength = 3, 2 * time.Second
		cfg.HTTPClient = &http.Client{Transport: &deaf{RoundTripper: s.srv.Client().Transport, skip: lost}}
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		late, ended := time.Duration(0), error(nil) // from the lost fragment on
		frames := camera(clips.Day(), 3*time.Minute, func(f *kvsmedia.Frame, _ int) bool {
			if st := s.Stats(); st.Err != nil && ended == nil {
				late, ended = f.PTS-lost*fragmentLength, st.Err
			}
			return true
		})
		if err := s.Upload(t.Context(), s.note(frames)); err != nil {
			t.Fatal(err)
		}
		s.aws = s.srv.AWS()
		s.all(nil)
		if st := s.Stats(); st.Sessions != 2 || s.twice != 1 || late < 42*time.Second || late > 50*time.Second {
			t.Errorf("given up after %v, %d fragments are there twice; %+v", late, s.twice, st)
		}
		if ended == nil || !strings.Contains(ended.Error(), "no acknowledgement of a fragment") {
			t.Errorf("the session ended with %v", ended)
		}
	})
}

package clipapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
)

var start = time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)

// fake is a recorder in memory.
type fake struct {
	mu     sync.Mutex
	clips  []recorder.Clip // the newest first
	films  map[recorder.ClipID][]byte
	told   []recorder.Event
	opened int    // films that are open
	broken error  // of everything, if it is set
	hold   func() // called when a film is read
}

// newFake returns a recorder with so many clips, one a minute; odd ones are no longer on
// the device.
func newFake(n int) *fake {
	f := &fake{films: map[recorder.ClipID][]byte{}}
	for i := range n {
		c := recorder.Clip{
			ID: recorder.ClipID(fmt.Sprintf("01J%023d", i)), State: recorder.Kept, OnDevice: true, Length: 15 * time.Second,
			Start: start.Add(time.Duration(i) * time.Minute), Events: []recorder.Event{{Type: "motion"}},
		}
		c.End = c.Start.Add(c.Length)
		if i%2 == 1 {
			c.State, c.OnDevice, c.Sent = recorder.Uploaded, false, 1
		} else {
			f.films[c.ID] = bytes.Repeat([]byte(c.ID), 10)
		}
		f.clips = slices.Insert(f.clips, 0, c)
	}
	return f
}

func (f *fake) Trigger(e recorder.Event) (recorder.ClipID, error) {
	if e.Type == "" {
		return "", errors.New("recorder: Event.Type is empty")
	}
	f.told = append(f.told, e)
	return "01JNEW", nil
}

func (f *fake) Clips(from, to time.Time) iter.Seq[recorder.Clip] {
	return func(yield func(recorder.Clip) bool) {
		for _, c := range f.clips {
			if (to.IsZero() || c.Start.Before(to)) && c.End.After(from) && !yield(c) {
				return
			}
		}
	}
}

func (f *fake) at(id recorder.ClipID) (*recorder.Clip, error) {
	i := slices.IndexFunc(f.clips, func(c recorder.Clip) bool { return c.ID == id })
	if i < 0 {
		return &recorder.Clip{}, fmt.Errorf("%w: %s", recorder.ErrNoClip, id)
	}
	return &f.clips[i], f.broken
}

func (f *fake) Clip(id recorder.ClipID) (recorder.Clip, error) {
	c, err := f.at(id)
	return *c, err
}

func (f *fake) Receipt(id recorder.ClipID) ([]recorder.Fragment, error) {
	c, err := f.at(id)
	if err != nil || c.State != recorder.Uploaded {
		return nil, err
	}
	return []recorder.Fragment{{Number: "1", Time: c.Start, Length: c.Length, Bytes: 9, Stored: true}}, nil
}

func (f *fake) MP4(id recorder.ClipID) (io.ReadSeekCloser, error) {
	_, err := f.at(id)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.films[id]
	if !ok {
		return nil, fmt.Errorf("%w as %s: it is not on the device", recorder.ErrNoClip, id)
	}
	f.opened++
	return &film{bytes.NewReader(b), f}, nil
}

func (f *fake) Picture(id recorder.ClipID, event string) ([]byte, error) {
	c, err := f.at(id)
	if err == nil && (!c.OnDevice || event == "01JNONE") {
		err = fmt.Errorf("%w of event %s", recorder.ErrNoPicture, event)
	}
	return []byte("a JPEG of " + event), err
}

// film is an open film of a fake.
type film struct {
	*bytes.Reader
	of *fake
}

func (m *film) Read(p []byte) (int, error) {
	if m.of.hold != nil {
		m.of.hold()
	}
	return m.Reader.Read(p)
}

func (m *film) Close() error {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	m.of.opened--
	return nil
}

func (f *fake) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

func (f *fake) Protect(id recorder.ClipID, on bool) error {
	c, err := f.at(id)
	c.Protected = on
	return err
}

func (f *fake) Delete(ids ...recorder.ClipID) error {
	f.clips = slices.DeleteFunc(f.clips, func(c recorder.Clip) bool { return slices.Contains(ids, c.ID) })
	return nil
}

// ask has the routes to a recorder answer a request.
func ask(t *testing.T, f *fake, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	clipapi.NewRoutes(f, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" || w.Header().Get("Cache-Control") != "no-store" && w.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("%s %s: headers %v", method, target, w.Header())
	}
	return w
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// near has the clips of a camera whose routes can be reached.
type near struct {
	base   string
	client *http.Client
}

// Bounds of what a camera answers.
const (
	headerTimeout = 20 * time.Second // until an answer begins
	maxAnswer     = 4 << 20          // bytes of one that is not a film
	maxReason     = 1 << 10          // of an error
)

// newNear returns the clips of the camera whose routes are at a URL.
func newNear(base string) *near {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headerTimeout
	return &near{strings.TrimSuffix(base, "/"), &http.Client{Transport: transport}}
}

func (n *near) close() { n.client.CloseIdleConnections() }

func (n *near) list(ctx context.Context, q clipapi.Query) (page clipapi.Page, err error) {
	return page, n.read(ctx, "/clips?"+q.Values().Encode(), &page)
}

func (n *near) receipt(ctx context.Context, id recorder.ClipID) (r clipapi.Receipt, err error) {
	return r, n.read(ctx, "/clips/"+string(id)+"/receipt", &r)
}

func (n *near) film(ctx context.Context, r clipapi.Receipt, w io.Writer) error {
	body, err := n.get(ctx, "/clips/"+string(r.Clip.ID)+".mp4")
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	return err
}

// read reads an answer of JSON.
func (n *near) read(ctx context.Context, path string, into any) error {
	body, err := n.get(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("the answer of %s cannot be read, is it the camera's -status? %w", n.base, err)
	}
	return nil
}

// get returns the body of an answer.
func (n *near) get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.base+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := n.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the camera does not answer: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	why, _ := io.ReadAll(io.LimitReader(res.Body, maxReason)) // what came of it
	return nil, fmt.Errorf("the camera says: %s (%s)", strings.TrimSpace(strings.ToValidUTF8(string(why), "?")), res.Status)
}

// far has the clips of a camera that is reached on its signaling channel, and from its
// stream what is uploaded.
type far struct {
	terminal
	stream *recorded
	viewer *viewer.Viewer
	access *program.Access
}

func (f *far) close() {
	f.viewer.Close()
	f.access.Close()
}

func (f *far) list(ctx context.Context, q clipapi.Query) (clipapi.Page, error) {
	page, err := viewer.Call[clipapi.Page](ctx, f.viewer, "clips", q)
	return page, keepsClips(err)
}

func (f *far) receipt(ctx context.Context, id recorder.ClipID) (clipapi.Receipt, error) {
	r, err := viewer.Call[clipapi.Receipt](ctx, f.viewer, "receipt", map[string]recorder.ClipID{"clip": id})
	return r, keepsClips(err)
}

// keepsClips adds to a refusal that a camera without recorder gives what to do about it.
func keepsClips(err error) error {
	var refused *signaling.CommandError
	if errors.As(err, &refused) && refused.Code == "unknown" {
		return fmt.Errorf("%w\nIt keeps no clips: examples/camera does with -record", err)
	}
	return err
}

// film writes the fragments of a clip that are stored, and tells what is not.
func (f *far) film(ctx context.Context, r clipapi.Receipt, w io.Writer) error {
	run := runOf(r.Fragments)
	if len(run.Fragments) == 0 {
		return fmt.Errorf("nothing of this clip is in the stream, it is %v: viewer clips -camera URL has it from the device", r.Clip.State)
	}
	if *f.stream.stream == "" {
		return f.stream.flags.Invalid("stream", errors.New("name the stream that the clip is in"))
	}
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: f.access.Config, Stream: *f.stream.stream})
	if err != nil {
		return err
	}
	defer archive.Close()
	var parts []kvsmedia.Run
	for part, err := range archive.SameTracks(ctx, run) {
		if err != nil {
			return f.stream.explain(err)
		}
		parts = append(parts, part)
	}
	m := movie{archive: archive}
	if err := m.write(ctx, parts, w); err != nil {
		return f.stream.explain(err)
	}
	f.tellLate(m.late)
	if n := len(r.Fragments) - len(run.Fragments); n > 0 {
		f.tell("%d of %d fragments are not in the stream (yet)\n", n, len(r.Fragments))
	}
	return nil
}

// runOf returns the stored fragments as one run, whenever they were uploaded.
func runOf(fragments []recorder.Fragment) (run kvsmedia.Run) {
	for _, f := range fragments {
		if f.Stored {
			run.Fragments = append(run.Fragments, kvsmedia.FragmentInfo{Number: f.Number, ProducerTime: f.Time, Length: f.Length, Bytes: f.Bytes})
		}
	}
	if n := len(run.Fragments); n > 0 {
		run.Range = kvsmedia.Range{Start: run.Fragments[0].ProducerTime, End: run.Fragments[n-1].ProducerTime}
	}
	return run
}

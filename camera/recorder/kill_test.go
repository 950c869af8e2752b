package recorder_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// killDir is the environment variable that makes a test process the recorder that is
// killed: the directory that it records into.
const killDir = "SMARTCAM_KILL_DIR"

// swift is a film that plays a hundred times as fast.
func swift() *tinyFilm {
	f := newTinyFilm()
	f.every = tinyStep / 100
	return f
}

// recordUntilKilled records clips one after another and says what was published.
func recordUntilKilled(dir string) error {
	film := swift()
	r, err := recorder.New(recorder.Config{Dir: dir, OnRoot: true, Source: film, Tracks: []*kvsmedia.Track{film.track},
		PreRoll: time.Second, PostRoll: 10 * time.Second, MaxBytes: 64 << 20, Logger: quiet,
		PutPicture: into(dir + ".bucket"), PictureFolder: "door",
		Publish: func(_ context.Context, c recorder.Change) error {
			line, err := json.Marshal(c)
			if err == nil {
				_, err = fmt.Println(string(line))
			}
			return err
		}})
	if err != nil {
		return err
	}
	var ids ulid.IDs
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Millisecond):
			e := recorder.Event{ID: ids.New(time.Now()).String(), Type: "test"}
			e.Picture = jpegOf(e.ID, 3000)
			if _, err := r.Trigger(e); err != nil {
				return err
			}
		}
	}
}

// into is a PutPicture whose bucket is a directory.
func into(dir string) func(context.Context, string, []byte) error {
	return func(_ context.Context, key string, jpeg []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		part := fmt.Sprint(path, ".", os.Getpid())
		if err := os.WriteFile(part, jpeg, 0o600); err != nil {
			return err
		}
		return os.Rename(part, path)
	}
}

// TestKilled has a recorder on the machine's own file system that is killed again and
// again, and looks each time whether what it published is there. How long it lives is
// measured by what it has done: a machine may be slow.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		t.Fatal(recordUntilKilled(dir))
	}
	kills := 200
	switch {
	case testing.Short():
		kills = 15
	case race:
		kills = 50
	}
	dir := filepath.Join(t.TempDir(), "clips")
	p := newPromises()
	begun, filmed, ended, media := 0, 0, 0, 0
	for n := range kills {
		var far func(recorder.Change) bool
		switch n % 4 {
		case 0: // at any time, also before it has opened the directory
		case 1: // after some changes, the first of which is that a clip has started
			begun++
			left := rand.IntN(8)
			far = func(recorder.Change) bool { left--; return left < 0 }
		default: // once a clip has media
			begun, filmed = begun+1, filmed+1
			far = func(c recorder.Change) bool { return c.Clip.Length > 0 }
		}
		for _, c := range killOne(t, dir, far) {
			_ = p.publish(t.Context(), c)
		}
		e, m := p.found(t, dir)
		ended, media = ended+e, media+m
	}
	if ended < begun || media < filmed {
		t.Errorf("%d lives had begun a clip, %d ended; %d had one with media, %d are left", begun, ended, filmed, media)
	}
}

// empty reports whether a clip has ended without media: nothing is kept of it then.
func (p *promises) empty(id recorder.ClipID) bool {
	for _, c := range p.changes {
		if c.Clip.ID == id && c.Kind == recorder.ClipEnded && c.Clip.Length == 0 {
			return true
		}
	}
	return false
}

// killOne lets a recorder live until far holds of a change that it publishes, and a moment
// longer, or with nil for a moment alone. It returns what it published.
func killOne(t *testing.T, dir string, far func(recorder.Change) bool) (list []recorder.Change) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill *time.Timer
	within := func(moment time.Duration) {
		kill = time.AfterFunc(rand.N(moment), func() { _ = cmd.Process.Kill() })
	}
	if far == nil {
		within(200 * time.Millisecond)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var c recorder.Change
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Log(lines.Text())
			continue
		}
		if list = append(list, c); kill == nil && far(c) {
			within(30 * time.Millisecond)
		}
	}
	if err := cmd.Wait(); kill == nil || kill.Stop() {
		t.Fatal("it ended by itself:", err)
	}
	return list
}

// collect reads the bucket.
func (p *promises) collect(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "door", "*.jpg"))
	clear(p.bucket)
	for _, path := range files {
		jpeg, readErr := os.ReadFile(path)
		p.bucket["door/"+filepath.Base(path)], err = jpeg, errors.Join(err, readErr)
	}
	return err
}

// found looks whether what was published is in a directory, and removes it. It returns how
// many clips had ended, and how many of them with media.
func (p *promises) found(t *testing.T, dir string) (ended, media int) {
	t.Helper()
	film := swift()
	r, err := recorder.New(recorder.Config{Dir: dir, OnRoot: true, Source: film, Tracks: []*kvsmedia.Track{film.track}, Logger: quiet, Publish: p.publish,
		PutPicture: into(dir + ".bucket"), PictureFolder: "door"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	const patience = time.Minute // with what does not move
	last, left := time.Now(), -1
	for st := r.Status(); st.Storage == 0 || st.Unpublished+st.Pictures > 0; st = r.Status() {
		if n := st.Unpublished + st.Pictures; n != left {
			last, left = time.Now(), n
		}
		if time.Since(last) > patience {
			t.Fatalf("%+v", st)
		}
		time.Sleep(time.Millisecond)
	}
	if err := p.collect(dir + ".bucket"); err != nil {
		t.Fatal(err)
	}
	known := map[recorder.ClipID]recorder.Clip{}
	for c := range r.Clips(time.Time{}, time.Time{}) {
		known[c.ID] = c
	}
	p.checkPictures(t, r, known)
	p.mu.Lock() // that a picture is put may yet be published
	var ids []string
	for id, c := range p.changes {
		got, err := r.Clip(c.Clip.ID)
		switch {
		case c.Kind == recorder.ClipEnded && c.Clip.Length > 0 && (err != nil || got.Length < c.Clip.Length):
			t.Errorf("clip %s ended with %v; now: %v %v", c.Clip.ID, c.Clip.Length, got.Length, err)
		case err != nil && c.Kind == recorder.ClipStarted && !p.empty(c.Clip.ID):
			t.Errorf("clip %s, which has started, is forgotten", c.Clip.ID)
		case err == nil && got.State == recorder.Recording:
			t.Errorf("clip %s is still being recorded", c.Clip.ID)
		case err == nil:
			readable(t, r, got)
		}
		if n := p.kinds[fmt.Sprint(c.Clip.ID, c.Kind)]; n > 1 && c.Kind != recorder.ClipEvicted && c.Kind != recorder.ClipPicture {
			t.Errorf("clip %s has %d times %s", c.Clip.ID, n, c.Kind)
		}
		if c.Kind == recorder.ClipEnded {
			if ended++; c.Clip.Length > 0 {
				media++
			}
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		delete(p.changes, id)
	}
	p.mu.Unlock()
	for c := range r.Clips(time.Time{}, time.Time{}) {
		readable(t, r, c)
		if err := r.Delete(c.ID); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	return ended, media
}

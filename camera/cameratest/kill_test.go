package cameratest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	clipper "github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// killEnv has the test binary run a cloud on the directory that it names, until it is
// killed.
const killEnv = "CAMERATEST_KILL_DIR"

// runUntilKilled adds to a cloud for ever, and tells what was acknowledged, a line each.
func runUntilKilled(dir string, out io.Writer) error {
	ctx := context.Background()
	c, err := New(Config{Dir: dir})
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	tell := func(fact ...string) { _, _ = fmt.Fprintln(out, strings.Join(fact, " ")) }
	for {
		name := "cam-" + rand.Text()
		d, err := c.AddDevice(name)
		if err != nil {
			return err
		}
		tell("device", name)
		issued, err := d.AWS.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		tell("issued", issued.AccessKeyID)
		key, err := c.ViewerAWS(name).Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		tell("key", key.AccessKeyID)
		clip := clips.Sub()
		p, err := kvsmedia.NewProducer(d.Producer(clip.Tracks...))
		if err != nil {
			return err
		}
		start := time.Now().Add(-time.Minute)
		if err := p.Upload(ctx, func(yield func(kvsmedia.Frame) bool) {
			for _, f := range clip.Frames[:60] {
				if f.Time = start.Add(f.PTS); !yield(f) {
					return
				}
			}
		}); err != nil {
			return err
		}
		for _, f := range c.Media().Fragments(name) {
			tell("fragment", name, f.Number)
		}
		put, err := clipper.S3(d.AWS, "s3://"+PictureBucket)
		if err != nil {
			return err
		}
		if err := put(ctx, name+"/1.jpg", []byte(name)); err != nil {
			return err
		}
		tell("picture", name)
	}
}

// A cloud that is killed at any moment starts again, and has forgotten nothing that it had
// acknowledged. The moment follows what it has acknowledged: a machine may be slow.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	known := map[string]bool{}
	for round := range 5 {
		before, facts := len(known), 1+mathrand.IntN(12)
		killed := exec.Command(os.Args[0])
		killed.Env = append(os.Environ(), killEnv+"="+dir)
		var complaint bytes.Buffer
		killed.Stderr = &complaint
		out, err := killed.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		var kill *time.Timer
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if line := lines.Text(); strings.Count(line, " ") > 0 {
				known[line] = true
			}
			if kill == nil && len(known) >= before+facts {
				kill = time.AfterFunc(mathrand.N(100*time.Millisecond), func() { _ = killed.Process.Kill() })
			}
		}
		if err := killed.Wait(); kill == nil || kill.Stop() || complaint.Len() > 0 {
			t.Fatalf("round %d: it ended by itself: %v: %s", round, err, &complaint)
		}
		remembers(t, dir, known)
	}
}

// remembers checks that a cloud on the directory has what was acknowledged.
func remembers(t *testing.T, dir string, known map[string]bool) {
	t.Helper()
	c, err := New(Config{Dir: dir})
	if err == nil {
		err = c.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for fact := range known {
		words := strings.Fields(fact)
		ok := true
		switch words[0] {
		case "device":
			var d *Device
			if d, err = c.AddDevice(words[1]); err == nil {
				_, err = d.AWS.Credentials.Retrieve(within(t))
			}
			ok = err == nil
		case "issued":
			_, ok = c.Credentials().Lookup(words[1])
		case "key":
			_, ok = c.keys.find(words[1])
		case "picture":
			o, found := c.S3().Object(PictureBucket, words[1]+"/1.jpg")
			ok = found && string(o.Data) == words[1]
		case "fragment":
			ok = slices.ContainsFunc(c.Media().Fragments(words[1]), func(f kvsmediatest.Fragment) bool { return f.Number == words[2] })
		}
		if !ok {
			t.Errorf("%s: forgotten: %v", fact, err)
		}
	}
}

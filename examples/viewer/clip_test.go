package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A clip of a time in which the microphone pauses, or at whose end the camera is started
// again with other tracks and names, has all pictures and all sounds.
func TestClipOfChangingTracks(t *testing.T) {
	c := cloud(t)
	d, err := c.AddDevice("door")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SMARTCAM_STREAM", "door")
	at := time.Now().Add(-5 * time.Minute).Truncate(time.Second)
	var pictures, sounds int
	for i, part := range []struct{ picture, sound string }{{"main", ""}, {"main", "mic"}, {"main", ""}, {"other", "mic"}} {
		picture, sound := &kvsmedia.Track{Codec: kvsmedia.H264, Name: part.picture}, (*kvsmedia.Track)(nil)
		tracks := []*kvsmedia.Track{picture}
		cfg := d.Producer(picture)
		for f := range frames(at) {
			if f.Track.Codec == kvsmedia.AAC && part.sound != "" && sound == nil {
				copied := *f.Track
				sound = &copied
				sound.Name = part.sound
				tracks = append(tracks, sound)
			}
		}
		cfg.Tracks = tracks
		p, err := kvsmedia.NewProducer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Upload(within(t), func(yield func(kvsmedia.Frame) bool) {
			for f := range frames(at.Add(time.Duration(i) * length)) {
				switch {
				case f.Track.Codec.Video():
					pictures++
					f.Track = picture
				case f.Track.Codec == kvsmedia.AAC && sound != nil:
					sounds++
					f.Track = sound
				default:
					continue
				}
				if !yield(f) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "visit.mp4")
	_, told, err := call(t, "clip", "-from", at.Format(time.RFC3339Nano), "-to", at.Add(5*length).Format(time.RFC3339Nano), "-o", file)
	if err != nil {
		t.Fatal(err, told)
	}
	probed, err := exec.Command(testtools.Need(t, "ffprobe"), "-v", "error", "-count_packets", "-show_entries",
		"stream=codec_name,nb_read_packets:format=duration", "-of", "csv=p=0", file).CombinedOutput()
	var gotPictures, gotSounds int
	var duration float64
	_, scanErr := fmt.Sscanf(string(probed), "h264,%d\naac,%d\n%f", &gotPictures, &gotSounds, &duration)
	if err != nil || scanErr != nil || gotPictures < pictures-1 || gotPictures > pictures || gotSounds < sounds-6 || gotSounds > sounds {
		t.Errorf("ffprobe of the clip: %q %v %v; want %d pictures and %d sounds\n%s", probed, err, scanErr, pictures, sounds, told)
	}
	_, told, err = call(t, "play", "-from", at.Format(time.RFC3339Nano), "-to", at.Add(5*length).Format(time.RFC3339Nano), "-o", filepath.Join(t.TempDir(), "visit.mkv"))
	if err != nil || !strings.Contains(told, "AAC from "+at.Add(length).Format(time.DateTime)+" on is left out") || !strings.Contains(told, fmt.Sprintf("%d pictures", pictures)) {
		t.Errorf("playing it as a file that begins without sound: %v, %q", err, told)
	}
	if want := (4 * length).Seconds(); duration < want-1 || duration > want+1 {
		t.Errorf("the clip has %v s, want %v s", duration, want)
	}
}

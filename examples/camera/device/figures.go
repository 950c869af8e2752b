package device

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Figures are what the device knows of itself at one moment.
type Figures struct {
	Started   time.Time // zero before Run
	Channel   string
	Camera    camera.Status
	Recording *kvsmedia.Stats  // nil if nothing is uploaded
	Clips     *recorder.Status // nil if no clips are kept
	Source    []SourceTrack    // in the order of the source's tracks
	Night     bool             // the picture is the night's
	Talker    string           // client ID of who has the floor
	Heard     int64            // packets of talk since the start
}

// SourceTrack is what came of one track of the source.
type SourceTrack struct {
	Track   *kvsmedia.Track
	Frames  int64 // that the camera took; in privacy it takes none
	Bytes   int64 // of these
	Refused int64 // frames that the camera did not take; the log says why
	Skipped int64 // frames that the source lost or left out
	Last    time.Time
}

// counter counts the frames of a source.
type counter struct {
	mu      sync.Mutex
	started time.Time
	tracks  []SourceTrack
}

func (c *counter) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = time.Now()
}

// count counts a frame that the camera took, or refused with an error.
func (c *counter) count(f kvsmedia.Frame, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.tracks {
		t := &c.tracks[i]
		if t.Track != f.Track {
			continue
		}
		t.Skipped += int64(f.Skipped)
		if err != nil {
			t.Refused++
			return
		}
		t.Frames++
		t.Bytes += int64(len(f.Data))
		t.Last = time.Now()
	}
}

// Figures returns what the device knows of itself. It is safe for concurrent use.
func (d *Device) Figures() Figures {
	f := Figures{Channel: d.cfg.Signaling.Channel, Camera: d.cam.Status(), Night: d.night.Load(), Talker: d.talker.Load().(string), Heard: d.heard.Load()}
	if d.producer != nil {
		stats := d.producer.Stats()
		f.Recording = &stats
	}
	if d.recorder != nil {
		clips := d.recorder.Status()
		f.Clips = &clips
	}
	d.frames.mu.Lock()
	defer d.frames.mu.Unlock()
	f.Started, f.Source = d.frames.started, append(f.Source, d.frames.tracks...)
	return f
}

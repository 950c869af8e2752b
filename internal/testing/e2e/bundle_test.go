package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// enough is how many pictures, packets of sound and packets of talk prove that
// they flow: 2 s of pictures, of which one is a key frame.
const enough = 30

// flowLimit bounds one flow. On an idle machine it takes 2 to 4 s.
const flowLimit = 45 * time.Second

// gstreamerJob is the job of gstreamer_viewer.py.
type gstreamerJob struct {
	Policy string `json:"policy"`
	Video  bool   `json:"video"`
	Audio  string `json:"audio"`
}

// aiortcJob is the job of aiortc_viewer.py.
type aiortcJob struct {
	Video   bool   `json:"video"`
	Audio   string `json:"audio"`
	Channel string `json:"channel"`
}

// flow is what a viewer offers and what the camera makes of it.
type flow struct {
	name  string
	job   any
	takes []string // see taken
	talks bool     // the camera hears the viewer
}

// GStreamer's webrtcbin watches our camera and talks to it, with each of its
// bundle policies. Where its offer has no BUNDLE group, the camera takes one
// section: the picture's, or the sound's if there is no other.
func TestGStreamer(t *testing.T) {
	both, picture, sound := []string{"video", "audio"}, []string{"video", "no audio"}, []string{"audio"}
	var all []flow
	for _, policy := range []struct {
		name  string
		group bool
	}{
		{"none", false},
		{"balanced", false}, // in version 1.22; later ones may have a group
		{"max-compat", true},
		{"max-bundle", true},
	} {
		takes := picture
		if policy.group {
			takes = both
		}
		all = append(all,
			flow{policy.name + ", picture and sound", gstreamerJob{policy.name, true, "recvonly"}, takes, false},
			flow{policy.name + ", talk", gstreamerJob{policy.name, true, "sendrecv"}, takes, policy.group})
	}
	all = append(all,
		flow{"none, picture alone", gstreamerJob{"none", true, ""}, []string{"video"}, false},
		flow{"max-bundle, picture alone", gstreamerJob{"max-bundle", true, ""}, []string{"video"}, false},
		flow{"none, sound alone", gstreamerJob{"none", false, "recvonly"}, sound, false},
		flow{"none, talk alone", gstreamerJob{"none", false, "sendrecv"}, sound, true},
	)
	watchBy(t, "gstreamer_viewer.py", all)
}

// Python's aiortc watches our camera, talks to it and calls a command. Its offer
// has a BUNDLE group, a transport for each section, and all candidates inside.
func TestAiortc(t *testing.T) {
	watchBy(t, "aiortc_viewer.py", []flow{
		{"picture and sound", aiortcJob{true, "recvonly", ""}, []string{"video", "audio"}, false},
		{"picture, talk and command", aiortcJob{true, "sendrecv", "smartcam"}, []string{"video", "audio", "application"}, true},
		{"picture and command", aiortcJob{true, "", "smartcam"}, []string{"video", "application"}, false},
		{"command alone", aiortcJob{false, "", "smartcam"}, []string{"application"}, false},
	})
}

// watchBy runs a script once for each flow, as the viewer of a camera of its own.
func watchBy(t *testing.T, script string, all []flow) {
	t.Helper()
	whole(t)
	needPeer(t, script)
	c := startCloud(t)
	run, wait := atOnce(t)
	defer wait()
	for _, f := range all {
		run(f.name, func(t *testing.T) {
			channel := strings.NewReplacer(" ", "-", ",", "").Replace(f.name)
			cam := film(t, camera.Config{Signaling: device(t, c, channel), Commands: adding()})
			talk := hear(t, cam)
			ctx, cancel := context.WithTimeout(t.Context(), flowLimit)
			defer cancel()
			p := startPeer(t, c, channel, script, f.job)
			takes := func(kind string) bool { return slices.Contains(f.takes, kind) }
			answer := p.until(ctx, "enough", func(n counts) bool {
				return (!takes("video") || n.Pictures >= enough && n.Keys > 0) && (!takes("audio") || n.Sounds >= enough)
			})
			if got := taken(answer); !slices.Equal(got, f.takes) {
				t.Errorf("the camera takes %q, want %q", got, f.takes)
			}
			if f.talks {
				heard(t, ctx, talk)
			} else if len(talk) > 0 {
				t.Errorf("the camera hears %d packets of a viewer that cannot talk", len(talk))
			}
			if takes("application") {
				add(t, ctx, p)
			}
		})
	}
}

// heard waits for enough packets of Opus that a viewer says.
func heard(t *testing.T, ctx context.Context, talk <-chan kvsmedia.Frame) {
	t.Helper()
	for n := range enough {
		select {
		case f := <-talk:
			if f.Track.Codec != kvsmedia.Opus || len(f.Data) == 0 {
				t.Fatalf("heard %d bytes of %v", len(f.Data), f.Track.Codec)
			}
		case <-ctx.Done():
			t.Fatalf("heard %d packets of talk, not %d", n, enough)
		}
	}
}

// adding returns the command "add", which adds numbers.
func adding() *camera.Commands {
	commands := &camera.Commands{}
	camera.Handle(commands, "add", func(_ context.Context, _ signaling.Peer, terms []int) (sum int, _ error) {
		for _, n := range terms {
			sum += n
		}
		return sum, nil
	})
	return commands
}

// add calls the command "add" through a peer's data channel.
func add(t *testing.T, ctx context.Context, p *peer) {
	t.Helper()
	p.tell("data", []byte(`"{\"id\":7,\"call\":\"add\",\"body\":[20,22]}"`))
	select {
	case reply := <-p.data:
		if reply != `{"id":7,"reply":42}` {
			t.Errorf("the reply is %s", reply)
		}
	case <-ctx.Done():
		t.Error("the command has no reply")
	}
}

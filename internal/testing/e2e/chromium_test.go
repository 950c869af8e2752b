package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// pageFlow is what a page of bundle.mjs asks a camera for.
type pageFlow struct {
	Channel string `json:"channel"`
	Policy  string `json:"policy"`
	Group   bool   `json:"group"`
	Video   string `json:"video"`
	Audio   string `json:"audio"`
}

// Chromium watches our cameras with each bundle policy of browsers, and with
// offers whose BUNDLE group was taken out, as other clients make them: of these
// a camera takes one section.
func TestChromiumBundle(t *testing.T) {
	c := startCloud(t)
	var flows []pageFlow
	all := []struct {
		policy       string
		group        bool
		video, audio string
		takes        []string
	}{
		{"balanced", true, "recvonly", "recvonly", []string{"video", "audio"}},
		{"max-compat", true, "recvonly", "recvonly", []string{"video", "audio"}},
		{"max-bundle", true, "recvonly", "recvonly", []string{"video", "audio"}},
		{"balanced", true, "recvonly", "", []string{"video"}},
		{"max-compat", true, "recvonly", "sendrecv", []string{"video", "audio"}},
		{"balanced", false, "recvonly", "recvonly", []string{"video", "no audio"}},
		{"max-compat", false, "recvonly", "sendrecv", []string{"video", "no audio"}},
		{"max-compat", false, "", "sendrecv", []string{"audio"}},
	}
	talks := make([]<-chan kvsmedia.Frame, len(all))
	channels := make([]string, len(all))
	for i, f := range all {
		channels[i] = fmt.Sprintf("door-%d", i)
		talks[i] = hear(t, film(t, camera.Config{Signaling: device(t, c, channels[i])}))
		flows = append(flows, pageFlow{channels[i], f.policy, f.group, f.video, f.audio})
	}
	var result struct {
		Flows []struct {
			Takes              []string
			Arrives            bool
			Frames, Key, Audio int
			SDP                string
		}
	}
	job := jsSDK(t, c, c.ViewerAWS(channels...))
	job.ClientID = "page"
	start(t, "bundle.mjs", c.RootPEM(), struct {
		browserJob
		Enough int        `json:"enough"`
		Flows  []pageFlow `json:"flows"`
	}{job, enough, flows}).result(&result)
	ctx := within(t)
	for i, got := range result.Flows {
		if !slices.Equal(got.Takes, all[i].takes) || !got.Arrives {
			t.Errorf("of the offer %+v the camera takes %q, want %q; the page has %d pictures, %d key frames and %d packets of sound; the answer: %s",
				flows[i], got.Takes, all[i].takes, got.Frames, got.Key, got.Audio, got.SDP)
		} else if flows[i].Audio == "sendrecv" && slices.Contains(got.Takes, "audio") {
			heard(t, ctx, talks[i])
		}
	}
}

// Chromium changes what it asks for in the middle of a session.
func TestChromiumRenegotiates(t *testing.T) {
	c := startCloud(t)
	both := []string{"video", "audio"}
	type result struct {
		Takes  []string
		Live   int
		Paused []int
	}
	change := func(t *testing.T, name string) (next func(takes []string) result) {
		job := jsSDK(t, c, c.ViewerAWS(name))
		job.Channel, job.ClientID = name, "page"
		s := start(t, "renegotiate.mjs", c.RootPEM(), struct {
			browserJob
			Change string `json:"change"`
			Enough int    `json:"enough"`
		}{job, name, enough})
		first := true
		return func(takes []string) (r result) {
			t.Helper()
			if !first {
				s.next()
			}
			first = false
			s.result(&r)
			if !slices.Equal(r.Takes, takes) {
				t.Errorf("the camera takes %q, want %q", r.Takes, takes)
			}
			return r
		}
	}
	run, wait := atOnce(t)
	defer wait()
	run("sound comes later", func(t *testing.T) {
		film(t, camera.Config{Signaling: device(t, c, "sound")})
		next := change(t, "sound")
		next(both[:1])
		next(both)
	})
	run("the microphone comes and goes", func(t *testing.T) {
		cam := film(t, camera.Config{Signaling: device(t, c, "microphone")})
		events, talk := watch(t, cam), hear(t, cam)
		next := change(t, "microphone")
		for range 2 {
			next(both)
			heard(t, within(t), talk)
			next(both)
			await(t, within(t), events, func(e camera.Talking) bool { return e.Peer.ID == "" })
			for len(talk) > 0 {
				<-talk
			}
		}
	})
	run("pause", func(t *testing.T) {
		film(t, camera.Config{Signaling: device(t, c, "pause")})
		next := change(t, "pause")
		for range 2 {
			r := next(both)
			if n := len(r.Paused); n < 2 || max(r.Paused[n-1], r.Paused[n-2]) > r.Live/5 {
				t.Errorf("the page gets %d packets per second, and %d when it has paused the media", r.Live, r.Paused)
			}
			next(both)
		}
	})
}

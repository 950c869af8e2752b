package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/netlab"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// TestRoaming changes the network under a running session. On an idle machine
// media is back within 3 s; what it took is in the test's output.
func TestRoaming(t *testing.T) {
	n := newInternet(t, "phone", "dash", "both", "gap", "relay", "hole")
	run, wait := atOnce(t)
	defer wait()
	for _, c := range []struct {
		channel string
		kind    netlab.NAT    // of the network that comes
		phone   bool          // the viewer's network changes
		camera  bool          // the camera's network changes
		without time.Duration // how long there is no network
		hole    bool          // the network does not change, but loses everything meanwhile
		path    string
	}{
		{channel: "phone", phone: true, kind: netlab.PortRestricted, path: "direct"},
		{channel: "relay", phone: true, kind: netlab.Symmetric, path: "relayed"},
		{channel: "dash", camera: true, kind: netlab.PortRestricted, path: "direct"},
		{channel: "both", phone: true, camera: true, kind: netlab.PortRestricted, path: "direct"},
		{channel: "gap", phone: true, kind: netlab.PortRestricted, without: 5 * time.Second, path: "direct"},
		{channel: "hole", phone: true, hole: true, without: 6 * time.Second, path: "direct"},
	} {
		run(c.channel, func(t *testing.T) {
			camera, phone := n.Host(t), n.Host(t)
			camera.Join("wlan0", n.behind(netlab.PortRestricted))
			phone.Join("wlan0", n.behind(netlab.PortRestricted))
			cam, v := camera.Run("camera", n.trust), phone.Run("viewer", n.trust)
			job := peerJob{Cloud: n.v4, Channel: c.channel}
			cam.Tell(job)
			for news := (cameraNews{}); news.What != "online"; {
				cam.Hear(&news)
			}
			do := func(job viewerJob) viewerNews {
				t.Helper()
				return tellViewer(t, v, job)
			}
			before := do(viewerJob{Do: "dial", Peer: job, Limit: dialTime})
			do(viewerJob{Do: "frames", Count: 20, Limit: dialTime})

			lte := func(h *netlab.Host) {
				w := n.behind(c.kind)
				w.V4 = netip.MustParsePrefix("10.20.30.40/8")
				w.Delay = 20 * time.Millisecond
				h.Join("wwan0", w)
			}
			var changes []*netlab.Host
			if c.phone {
				changes = append(changes, phone)
			}
			if c.camera {
				changes = append(changes, camera)
			}
			for _, h := range changes {
				if c.hole {
					h.Hold("wlan0", true)
				} else {
					h.Leave("wlan0")
				}
			}
			<-time.After(c.without)
			began := time.Now()
			for _, h := range changes {
				if c.hole {
					h.Hold("wlan0", false)
				} else {
					lte(h)
				}
			}
			after := do(viewerJob{Do: "frames", Count: 1, Limit: 15 * time.Second})
			t.Logf("%s: media is back after %v, %d frames were lost\nbefore: %v\nafter:  %v", c.channel,
				time.Since(began).Round(time.Millisecond), after.Lost, before.Report.Selected, after.Report.Selected)
			do(viewerJob{Do: "frames", Count: 20, Limit: dialTime})
			do(viewerJob{Do: "call", Count: 1000, Limit: dialTime})
			now := do(viewerJob{Do: "frames", Count: 1, Limit: dialTime}).Report
			if now.Selected == nil || now.Relayed() != (c.path == "relayed") || !c.hole && *now.Selected == *before.Report.Selected {
				t.Errorf("the report of the path is %+v, was %+v", now.Selected, before.Report.Selected)
			}
			do(viewerJob{Do: "close"})
			var came, left int
			for left == 0 {
				var news cameraNews
				switch cam.Hear(&news); news.What {
				case "joined":
					came++
				case "left":
					left++
				}
			}
			if came != 1 {
				t.Errorf("the camera saw the viewer come %d times", came)
			}
		})
	}
}

// TestPageRoams changes the network of a browser that shows the demo's page.
func TestPageRoams(t *testing.T) {
	whole(t)
	n := &internet{Lab: netlab.New(t)}
	server, phone := n.Host(t), n.Host(t)
	server.Join("eth0", netlab.Network{V4: netip.PrefixFrom(cloud4, 24)})
	phone.Join("wlan0", n.behind(netlab.PortRestricted))
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	url := startDemoBy(t, server.Launch, "-addr", net.JoinHostPort(cloud4.String(), "8080")).urls[0]
	s := startBy(t, phone.Launch, "roam.mjs", nil, demoJob{Chromium: chromium, Page: url})
	var before, after struct{ ClientID string }
	s.result(&before)
	interfaces := []string{"wlan0", "wwan0", "wlan1"}
	for i, without := range []time.Duration{0, 5 * time.Second} {
		phone.Leave(interfaces[i])
		<-time.After(without)
		w := n.behind(netlab.PortRestricted)
		w.V4 = netip.MustParsePrefix(fmt.Sprintf("10.20.30.%d/8", 40+i))
		w.Delay = 20 * time.Millisecond
		began := time.Now()
		phone.Join(interfaces[i+1], w)
		s.next()
		s.result(&after)
		t.Logf("after %v without network media is back in %v", without, time.Since(began).Round(time.Millisecond))
		if after.ClientID != before.ClientID {
			t.Errorf("the page is another viewer to the camera: %q, was %q", after.ClientID, before.ClientID)
		}
	}
}

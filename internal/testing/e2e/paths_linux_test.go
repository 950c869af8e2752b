package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/netlab"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// dialTime bounds a Dial. On an idle machine each takes less than 8 s where
// there is a path; what it took is in the test's output.
const dialTime = 20 * time.Second

// redials is how often a viewer whose path is to be direct dials again when it is
// relayed. The viewer takes a relayed pair that works 0.4 s after ICE began. On a
// busy machine the checks of the direct pairs may take longer than that.
const redials = 3

// Addresses of the cloud's host.
var (
	cloud4, turn4 = netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("198.51.100.11")
	cloud6, turn6 = netip.MustParseAddr("2001:db8:c::10"), netip.MustParseAddr("2001:db8:c::11")
)

// internet is a lab with the stand-in cloud.
type internet struct {
	*netlab.Lab
	v4, v6 cloudAccess // the second has only IPv6
	trust  string      // the environment that makes a process trust the clouds
	mu     sync.Mutex
	nets   int
}

// newInternet starts the cloud, with the channels given, on ports 443 as in AWS.
func newInternet(t *testing.T, channels ...string) *internet {
	t.Helper()
	whole(t)
	n := &internet{Lab: netlab.New(t)}
	host := n.Host(t)
	host.Join("eth0", netlab.Network{V4: netip.PrefixFrom(cloud4, 24), V6: netip.PrefixFrom(cloud6, 64), More: []netip.Addr{turn4, turn6}})
	// The names have IPv6 addresses that nobody answers, too.
	n.Name("cloud.test", cloud4, netip.MustParseAddr("2001:db8:dead::10"))
	n.Name("turn.test", turn4, netip.MustParseAddr("2001:db8:dead::11"))
	p := host.Run("cloud")
	var pem strings.Builder
	for _, c := range []struct {
		access           *cloudAccess
		host, bind, turn string
	}{
		{&n.v4, "cloud.test", cloud4.String(), "turn.test"},
		{&n.v6, cloud6.String(), cloud6.String(), turn6.String()},
	} {
		p.Tell(cloudJob{c.host, c.bind, c.turn, channels})
		p.Hear(c.access)
		if c.access.Failure != "" {
			t.Fatal(c.access.Failure)
		}
		pem.WriteString(c.access.PEM)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(pem.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	n.trust = "SSL_CERT_FILE=" + file
	return n
}

// behind returns a network of a kind, with addresses of its own: IPv4 alone.
func (n *internet) behind(kind netlab.NAT) netlab.Network {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nets++
	return netlab.Network{NAT: kind, V4: netip.MustParsePrefix("192.168.1.2/24"),
		Public: netip.AddrFrom4([4]byte{203, 0, 113, byte(n.nets)})}
}

// with6 adds an IPv6 address to a network.
func with6(w netlab.Network) netlab.Network {
	last := w.Public.As4()[3]
	w.V6 = netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::2/64", 0x100+int(last)))
	return w
}

// connect runs a camera and a viewer on networks of their own, and dials.
func (n *internet) connect(t *testing.T, cam, view netlab.Network, job peerJob) (dialed viewerNews, v *netlab.Process) {
	t.Helper()
	camera, watcher := n.Host(t), n.Host(t)
	camera.Join("eth0", cam)
	watcher.Join("wlan0", view)
	c := camera.Run("camera", n.trust)
	v = watcher.Run("viewer", n.trust)
	c.Tell(job)
	for news := (cameraNews{}); news.What != "online"; {
		c.Hear(&news)
	}
	v.Tell(viewerJob{Do: "dial", Peer: job, Limit: dialTime})
	v.Hear(&dialed)
	return dialed, v
}

// TestPaths connects a camera and a viewer through networks of each kind.
func TestPaths(t *testing.T) {
	kinds := []netlab.NAT{netlab.FullCone, netlab.AddressRestricted, netlab.PortRestricted, netlab.Symmetric}
	type path struct {
		name      string
		cam, view func(n *internet) netlab.Network
		policy    signaling.ICEPolicy
		v6        bool   // the cloud has IPv6 alone
		want      string // "direct", "relayed", or what the error says
		also      func(t *testing.T, v *netlab.Process)
	}
	nat := func(kind netlab.NAT, changes ...func(*netlab.Network)) func(n *internet) netlab.Network {
		return func(n *internet) netlab.Network {
			w := n.behind(kind)
			for _, change := range changes {
				change(&w)
			}
			return w
		}
	}
	noUDP := func(w *netlab.Network) { w.NoUDP = true }
	onlyTLS := func(w *netlab.Network) { w.NoUDP, w.TCPPorts = true, []uint16{443} }
	only6 := func(w *netlab.Network) { *w = with6(*w); w.V4 = netip.Prefix{} }
	dead6 := func(w *netlab.Network) { *w = with6(*w); w.DeadV6 = true }
	onlyTURN := func(w *netlab.Network) { w.UDPPorts = []uint16{3478} }
	narrow := func(w *netlab.Network) { w.MTU = 1280 }
	silent := func(w *netlab.Network) { w.MTU, w.Silent = 1280, true }
	public := func(last byte) func(*netlab.Network) {
		return func(w *netlab.Network) { w.V4 = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, last}), 24) }
	}

	var paths []path
	for _, a := range kinds {
		for _, b := range kinds {
			want := "direct"
			if a == netlab.Symmetric && b >= netlab.PortRestricted || b == netlab.Symmetric && a >= netlab.PortRestricted {
				want = "relayed"
			}
			paths = append(paths, path{name: fmt.Sprintf("%v NAT, %v NAT", a, b), cam: nat(a), view: nat(b), want: want})
		}
	}
	paths = append(paths,
		path{name: "public, public", cam: nat(netlab.Open, public(7)), view: nat(netlab.Open, public(8)), want: "direct"},
		path{name: "viewer without UDP", cam: nat(netlab.PortRestricted), view: nat(netlab.PortRestricted, noUDP), want: "relayed"},
		path{name: "camera without UDP", cam: nat(netlab.PortRestricted, noUDP), view: nat(netlab.PortRestricted), want: "relayed"},
		path{name: "both without UDP", cam: nat(netlab.PortRestricted, noUDP), view: nat(netlab.PortRestricted, noUDP), want: "relayed"},
		path{name: "viewer with TLS to port 443 alone", cam: nat(netlab.PortRestricted), view: nat(netlab.PortRestricted, onlyTLS), want: "relayed"},
		path{name: "both with TLS to port 443 alone", cam: nat(netlab.PortRestricted, onlyTLS), view: nat(netlab.PortRestricted, onlyTLS), want: "relayed"},
		path{name: "IPv6 alone", cam: nat(netlab.PortRestricted, only6), view: nat(netlab.PortRestricted, only6), v6: true, want: "direct"},
		path{name: "IPv6 alone, UDP to TURN alone", cam: nat(netlab.PortRestricted, only6, onlyTURN), view: nat(netlab.PortRestricted, only6, onlyTURN), v6: true, want: "relayed"},
		path{name: "IPv6 alone, TLS alone", cam: nat(netlab.PortRestricted, only6, onlyTLS), view: nat(netlab.PortRestricted, only6, onlyTLS), v6: true, want: "relayed"},
		path{name: "dead IPv6", cam: nat(netlab.PortRestricted, dead6), view: nat(netlab.PortRestricted, dead6), want: "direct"},
		path{name: "dead IPv6, TLS alone", cam: nat(netlab.PortRestricted, dead6, onlyTLS), view: nat(netlab.PortRestricted, dead6, onlyTLS), want: "relayed"},
		path{name: "MTU 1280", cam: nat(netlab.PortRestricted), view: nat(netlab.PortRestricted, narrow), want: "direct", also: megabyte},
		path{name: "MTU 1280, black hole", cam: nat(netlab.PortRestricted, silent), view: nat(netlab.PortRestricted, silent), want: "direct", also: megabyte},
		path{name: "MTU 1280, black hole, relayed", cam: nat(netlab.Symmetric, silent), view: nat(netlab.Symmetric, silent), want: "relayed", also: megabyte},
		path{name: "MTU 1280, black hole, IPv6 alone", cam: nat(netlab.PortRestricted, only6, silent), view: nat(netlab.PortRestricted, only6, silent), v6: true, want: "direct", also: megabyte},
		path{name: "MTU 1280, black hole, IPv6 relayed", cam: nat(netlab.PortRestricted, only6, silent), view: nat(netlab.PortRestricted, only6, silent), v6: true, policy: signaling.ICERelayOnly, want: "relayed", also: megabyte},
		path{name: "symmetric NATs, no relay allowed", cam: nat(netlab.Symmetric), view: nat(netlab.Symmetric), policy: signaling.ICENoRelay, want: "relays are forbidden"},
		path{name: "viewer without UDP, no relay allowed", cam: nat(netlab.PortRestricted), view: nat(netlab.PortRestricted, noUDP), policy: signaling.ICENoRelay, want: "UDP is blocked at this end"},
		path{name: "camera without UDP, no relay allowed", cam: nat(netlab.PortRestricted, noUDP), view: nat(netlab.PortRestricted), policy: signaling.ICENoRelay, want: "UDP is blocked there"},
	)
	channels := make([]string, len(paths))
	for i := range paths {
		channels[i] = fmt.Sprintf("door-%d", i)
	}
	n := newInternet(t, channels...)
	run, wait := atOnce(t)
	defer wait()
	for i, p := range slices.Backward(paths) { // those that take their time first
		run(p.name, func(t *testing.T) {
			job := peerJob{Cloud: n.v4, Channel: channels[i], Policy: p.policy}
			if p.v6 {
				job.Cloud = n.v6
			}
			dialed, v := n.connect(t, p.cam(n), p.view(n), job)
			t.Logf("%s: %v, %s\n%v", p.name, dialed.Took.Round(time.Millisecond), dialed.Err, &dialed.Report)
			switch {
			case !slices.Contains([]string{"direct", "relayed"}, p.want):
				if !strings.Contains(dialed.Err, p.want) {
					t.Errorf("the error is %q, want it to say %q", dialed.Err, p.want)
				}
				return
			case dialed.Err != "":
				t.Fatal(dialed.Err)
			}
			playing := plays(t, v)
			for range redials {
				if p.want == "relayed" || !playing.Report.Relayed() {
					break
				}
				t.Logf("%s: relayed, once more:\n%v", p.name, &playing.Report)
				tellViewer(t, v, viewerJob{Do: "close"})
				tellViewer(t, v, viewerJob{Do: "dial", Peer: job, Limit: dialTime})
				playing = plays(t, v)
			}
			if got := map[bool]string{false: "direct", true: "relayed"}[playing.Report.Relayed()]; got != p.want {
				t.Errorf("the path is %s, want %s:\n%v", got, p.want, &playing.Report)
			}
			if p.also != nil {
				p.also(t, v)
			}
		})
	}
}

// plays waits until the viewer gets pictures.
func plays(t *testing.T, v *netlab.Process) viewerNews {
	t.Helper()
	return tellViewer(t, v, viewerJob{Do: "frames", Count: 10, Limit: dialTime})
}

// tellViewer has the viewer do a job, which must not fail.
func tellViewer(t *testing.T, v *netlab.Process, job viewerJob) (news viewerNews) {
	t.Helper()
	v.Tell(job)
	v.Hear(&news)
	if news.Err != "" {
		t.Fatalf("%s: %s\n%v", job.Do, news.Err, &news.Report)
	}
	return news
}

// megabyte sends as much through the command channel and back.
func megabyte(t *testing.T, v *netlab.Process) {
	t.Helper()
	news := tellViewer(t, v, viewerJob{Do: "call", Count: 1_000_000, Limit: 30 * time.Second})
	t.Logf("1 MB there and back: %v", news.Took.Round(time.Millisecond))
}

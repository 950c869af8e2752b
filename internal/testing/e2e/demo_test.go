package e2e

import (
	"maps"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// demoJob is the job of the scripts that open the demo's page.
type demoJob struct {
	Chromium    string `json:"chromium"`
	Page        string `json:"page"`
	Screenshots string `json:"screenshots,omitempty"`
}

// demo runs the demo with the flags given.
func demo(t *testing.T, flags ...string) demoJob {
	t.Helper()
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	return demoJob{Chromium: chromium, Page: startDemo(t, flags...).urls[0]}
}

// The demo, as someone finds it who runs it and opens its page.
func TestDemo(t *testing.T) {
	job := demo(t)
	if dir := os.Getenv("SMARTCAM_SCREENSHOTS"); dir != "" {
		var err error
		if job.Screenshots, err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "demo.mjs", nil, job)

	var one struct {
		Frames            int
		Unknown, TalkedAs string
		Night, Day, OnAir bool
		Sound             []int     // packets received before it is on, while it is, and after
		Badges            []float64 // how far down the picture they begin, 0 to 1
	}
	s.result(&one)
	if one.Frames <= 50 || !one.Night || !one.Day || !one.OnAir || one.TalkedAs == "" || !strings.Contains(one.Unknown, "fly") {
		t.Errorf("one page: %+v", one)
	}
	if len(one.Badges) != 4 || slices.Min(one.Badges) < 0.6 {
		t.Errorf("badges begin at %v of the picture, whose clock is at the top", one.Badges)
	}
	// A browser holds the picture back for sound that it receives, heard or not.
	if len(one.Sound) != 3 || one.Sound[0] != 0 || one.Sound[1] == 0 || one.Sound[2] != 0 {
		t.Errorf("packets of sound while it is off, on, off: %v", one.Sound)
	}

	var ten struct {
		Counts  []int
		Viewers int
		States  []string
		Refused struct{ State, Code, Pill, Text string }
	}
	s.next()
	s.result(&ten)
	if len(ten.Counts) != 10 || slices.Min(ten.Counts) <= 50 || ten.Viewers != 10 {
		t.Errorf("ten pages: %+v", ten)
	}
	for i, state := range ten.States {
		if state != "live" {
			t.Errorf("page %d of ten is %s", i, state)
		}
	}
	if r := ten.Refused; r.State != "waiting" || r.Code != "viewer limit" || r.Pill != "Full" || !strings.Contains(r.Text, "All 10 places") {
		t.Errorf("an eleventh page is told %+v", r)
	}
	s.next()
	var later struct{ Frames int }
	if s.result(&later); later.Frames == 0 {
		t.Error("the eleventh page has no picture after one of the ten has left")
	}
}

// The page of a viewer too many says why there is no picture, and shows it once
// there is room. The demo prints who came and left, and nothing else.
func TestDemoRefusesAViewer(t *testing.T) {
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	d := startDemo(t, "-viewers", "1")
	s := start(t, "refusal.mjs", nil, demoJob{Chromium: chromium, Page: d.urls[0]})
	var second struct{ State, Code, Text string }
	s.result(&second)
	if second.State != "waiting" || second.Code != "viewer limit" || !strings.Contains(second.Text, "The only place") {
		t.Errorf("the second page: %+v", second)
	}
	s.next()
	var later struct{ Frames int }
	if s.result(&later); later.Frames == 0 {
		t.Error("the second page has no picture after the first has left")
	}
	d.end(t, os.Interrupt)
	lines := map[string]int{}
	for line := range strings.Lines(d.log.String()) {
		_, what, _ := strings.Cut(line, "msg=")
		what, _, _ = strings.Cut(what, " viewer=")
		lines[what]++
	}
	away := lines[`"a viewer was turned away"`]
	delete(lines, `"a viewer was turned away"`)
	want := map[string]int{`"a viewer joined"`: 2, `"a viewer left"`: 1}
	if away == 0 || !maps.Equal(lines, want) {
		t.Errorf("%d viewers were turned away; the other lines are %v, want %v", away, lines, want)
	}
}

// A page outlives the camera: killed or ended, and started again, it is found by
// itself, though it does not know the page any more.
func TestDemoRestarts(t *testing.T) {
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	d := startDemo(t)
	address := strings.Trim(strings.TrimPrefix(d.urls[0], "http:"), "/")
	s := start(t, "restart.mjs", nil, demoJob{Chromium: chromium, Page: d.urls[0]})
	type shown struct {
		State, Pill, Text, ClientID string
		Frames                      int
		Wait                        float64 // ms until the next try
		Tries                       bool    // at once, as the page was looked at
	}
	var before, away, again shown
	s.result(&before)
	restarted := func(what string) {
		d = startDemo(t, "-addr", address)
		s.next()
		s.result(&again)
		if again.State != "live" || again.Frames == 0 || again.ClientID == before.ClientID {
			t.Errorf("%s: before %+v, after %+v", what, before, again)
		}
		before = again
	}
	d.end(t, os.Kill)
	restarted("started again at once")
	for _, how := range []os.Signal{os.Kill, os.Interrupt} {
		d.end(t, how)
		s.next()
		s.result(&away)
		if away.State != "waiting" || away.Pill != "Away" || !strings.Contains(away.Text, "The camera is away") || away.Wait > 10_000 {
			t.Errorf("after %v: %+v", how, away)
		}
		restarted("started again after " + how.String())
		if again.Tries != (how == os.Interrupt) {
			t.Errorf("the page was looked at: %v, and tries at once: %v", how == os.Interrupt, again.Tries)
		}
	}
}

// A browser watches by another address than a loopback one, as one on another machine
// does, directly and through the TURN server, and says where the microphone is to be had:
// by a proxy with TLS for example.
func TestDemoByAnotherAddress(t *testing.T) {
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	whole(t)
	d := startDemo(t, "-addr", "0.0.0.0:0")
	job := struct {
		demoJob
		Pages   []string `json:"pages"`
		Proxied string   `json:"proxied"`
		Trust   []string `json:"trust"`
	}{demoJob: demoJob{Chromium: chromium}}
	for _, u := range d.urls {
		at, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		if !net.ParseIP(at.Hostname()).IsLoopback() {
			job.Pages = append(job.Pages, u)
		}
	}
	if len(job.Pages) == 0 {
		t.Skip("this machine has no address but loopback ones")
	}
	proxy := encrypted(t, job.Pages[0])
	job.Proxied, job.Trust = proxy.URL, []string{keyOf(proxy.Certificate())}
	var seen struct {
		Pages []struct {
			Page, Talk, Hint string
			Frames           int
			Relayed, Direct  bool
		}
		Talked bool // by the proxy
	}
	start(t, "address.mjs", nil, job).result(&seen)
	if !seen.Talked {
		t.Error("no talk by a proxy with TLS")
	}
	for _, p := range seen.Pages {
		if p.Frames == 0 || !p.Direct || !p.Relayed || !strings.Contains(p.Talk, "https or localhost") || !strings.Contains(p.Hint, "https") {
			t.Errorf("%+v", p)
		}
	}
}

// encrypted starts a proxy with TLS on the address of a page.
func encrypted(t *testing.T, page string) *httptest.Server {
	t.Helper()
	to, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}})
	proxy.Listener.Close()
	if proxy.Listener, err = net.Listen("tcp", net.JoinHostPort(to.Hostname(), "0")); err != nil {
		t.Fatal(err)
	}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	return proxy
}

package faultnet

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Path is a bad network between viewers and cameras that connect through a
// signaling service: a proxy in front of the service, which delays each message
// of a viewer's WebSocket as long as a packet, and which makes each candidate
// that it carries a [Relay] to that candidate. Of the candidates it lets those
// of IPv4 interfaces through.
type Path struct {
	server *httptest.Server
	client *http.Client
	target string
	link   Link

	mu      sync.Mutex
	offered time.Time
	relays  []*Relay
	hold    bool
}

// NewPath returns a path to the service at a WebSocket URL, which client
// reaches. It lives until the test ends.
func NewPath(t testing.TB, target string, client *http.Client, link Link) *Path {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	u.Path, u.RawQuery = "", ""
	p := &Path{client: client, target: u.String(), link: link}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// URL is where a viewer that was to use the URL of the service connects.
func (p *Path) URL(signed string) string {
	return "ws" + strings.TrimPrefix(p.server.URL, "http") + strings.TrimPrefix(signed, p.target)
}

// Offered is when the newest offer was at the service.
func (p *Path) Offered() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.offered
}

// Hold makes the network of the media a black hole, also for paths that are found
// from now on, or lets packets through again; signaling goes on.
func (p *Path) Hold(hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
	for _, r := range p.relays {
		r.Hold(hold)
	}
}

// ServeHTTP carries one viewer's WebSocket.
func (p *Path) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	service, _, err := websocket.Dial(ctx, p.target+r.URL.RequestURI(), &websocket.DialOptions{HTTPClient: p.client})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer service.CloseNow()
	viewer, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer viewer.CloseNow()
	service.SetReadLimit(1 << 20)
	viewer.SetReadLimit(1 << 20)
	s := &detour{path: p, relays: map[netip.AddrPort]*Relay{}}
	defer s.close()
	var work sync.WaitGroup
	for _, ends := range [][2]*websocket.Conn{{viewer, service}, {service, viewer}} {
		frames := make(chan delayed, 256)
		work.Go(func() {
			defer close(frames)
			for {
				kind, b, err := ends[0].Read(ctx)
				if err != nil {
					ends[1].CloseNow()
					return
				}
				if b = s.message(b); b != nil {
					frames <- delayed{time.Now().Add(p.link.Delay), func() { _ = ends[1].Write(ctx, kind, b) }}
				}
			}
		})
		work.Go(func() {
			for f := range frames {
				time.Sleep(time.Until(f.due))
				f.send()
			}
		})
	}
	work.Wait()
	time.Sleep(2 * p.link.Delay) // for the packets that are under way
}

// detour is the path of one viewer.
type detour struct {
	path *Path

	mu     sync.Mutex
	relays map[netip.AddrPort]*Relay // by their targets
}

func (s *detour) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.relays {
		r.close()
	}
}

// message changes the candidates of a message; nil drops it.
func (s *detour) message(b []byte) []byte {
	var m map[string]any
	if json.Unmarshal(b, &m) != nil {
		return b
	}
	text, _ := m["messagePayload"].(string)
	payload, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(payload) == 0 {
		return b
	}
	if payload = s.payload(payload); payload == nil {
		return nil
	}
	if m["action"] == "SDP_OFFER" {
		s.path.mu.Lock()
		s.path.offered = time.Now().Add(s.path.link.Delay)
		s.path.mu.Unlock()
	}
	m["messagePayload"] = base64.StdEncoding.EncodeToString(payload)
	if b, err = json.Marshal(m); err != nil {
		return nil
	}
	return b
}

func (s *detour) payload(b []byte) []byte {
	var c map[string]any
	if json.Unmarshal(b, &c) != nil {
		return b
	}
	if line, ok := c["candidate"].(string); ok {
		if c["candidate"] = s.candidate(line); c["candidate"] == "" {
			return nil
		}
	} else if sdp, ok := c["sdp"].(string); ok {
		c["sdp"] = eachCandidate(sdp, s.candidate)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	return b
}

// candidate returns a candidate line with the address of a relay, and an empty
// one for candidates of other kinds.
func (s *detour) candidate(line string) string {
	f := strings.Fields(line)
	if len(f) < 8 || !strings.EqualFold(f[2], "udp") || f[7] != "host" {
		return ""
	}
	addr, err := netip.ParseAddrPort(f[4] + ":" + f[5])
	if err != nil || !addr.Addr().Is4() {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.relays[addr]
	if r == nil {
		if r, err = s.path.relay(addr); err != nil {
			return ""
		}
		s.relays[addr] = r
	}
	f[4], f[5] = r.Addr().Addr().String(), fmt.Sprint(r.Addr().Port())
	return strings.Join(f, " ")
}

// relay makes a relay to a candidate.
func (p *Path) relay(target netip.AddrPort) (*Relay, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	link := p.link
	link.Seed += uint64(len(p.relays)) + 1
	r, err := newRelay(target, link)
	if err == nil {
		r.Hold(p.hold)
		p.relays = append(p.relays, r)
	}
	return r, err
}

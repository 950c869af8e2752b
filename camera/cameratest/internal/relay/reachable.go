package relay

import (
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// maxReachable is how many addresses of a channel are remembered: more than ten
	// viewers have who come and go for a while.
	maxReachable = 1024

	// maxCandidates is how many candidates of one message count.
	maxCandidates = 256
)

// broadcast is every host of the network (RFC 919, section 7).
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// reachable is the addresses that each channel's peers have named, and that TURN
// relays to. The zero value has none. It is safe for concurrent use.
type reachable struct {
	mu       sync.Mutex
	channels map[string]map[netip.Addr]time.Time // when an address was last named
}

// add takes note of addresses, but of none that is no single host's: 0.0.0.0 would be this
// machine. Of too many the one that was named longest ago is forgotten.
func (r *reachable) add(channel string, addresses ...netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.channels == nil {
		r.channels = map[string]map[netip.Addr]time.Time{}
	}
	known := r.channels[channel]
	if known == nil {
		known = map[netip.Addr]time.Time{}
		r.channels[channel] = known
	}
	for _, a := range addresses {
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a == broadcast {
			continue
		}
		if _, ok := known[a]; !ok && len(known) >= maxReachable {
			oldest := a
			for b, at := range known {
				if oldest == a || at.Before(known[oldest]) {
					oldest = b
				}
			}
			delete(known, oldest)
		}
		known[a] = time.Now()
	}
}

// has reports whether a peer of the channel named the address.
func (r *reachable) has(channel string, ip net.IP) bool {
	a, _ := netip.AddrFromSlice(ip)
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.channels[channel][a.Unmap()]
	return ok
}

// ipOf returns the IP address of a socket.
func ipOf(a net.Addr) netip.Addr {
	ap, _ := netip.ParseAddrPort(a.String())
	return ap.Addr().Unmap().WithZone("")
}

// candidateAddresses returns the IP addresses of the ICE candidates in an offer, an
// answer or a candidate (RFC 8839, section 5.1). Names, such as those of mDNS, are
// left out: who has one is reached by the address that it allocates a relay from.
func candidateAddresses(payload []byte) []netip.Addr {
	var m struct{ SDP, Candidate string }
	if json.Unmarshal(payload, &m) != nil {
		return nil
	}
	var list []netip.Addr
	for line := range strings.Lines(m.Candidate + "\n" + m.SDP) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "a=")
		fields := strings.Fields(strings.TrimPrefix(line, "candidate:"))
		if !strings.HasPrefix(line, "candidate:") || len(fields) < 6 || len(list) >= maxCandidates {
			continue
		}
		if a, err := netip.ParseAddr(fields[4]); err == nil {
			list = append(list, a.Unmap().WithZone(""))
		}
	}
	return list
}

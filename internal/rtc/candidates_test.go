package rtc

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
)

// Of a peer's candidates a few of each type are used, one that comes twice is not
// counted again, and a restart of ICE begins anew.
func TestCandidatesOfEachTypeAreBounded(t *testing.T) {
	c := newCandidates()
	use := func(kind string) (used int) {
		for i := range 100 {
			candidate := sdp.Candidate{Type: kind, Address: netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", i, 1000+len(kind)))}
			if _, ok := c.take(candidate); ok {
				used++
			}
			if fresh, ok := c.take(candidate); ok || fresh && used < mostOfType[kind] {
				t.Errorf("a candidate of type %s was taken twice", kind)
			}
		}
		return used
	}
	for range 2 {
		for kind, most := range mostOfType {
			if n := use(kind); n != most {
				t.Errorf("%d candidates of type %s are used, want %d", n, kind, most)
			}
		}
		c.reset()
	}
	if n := use("tcp"); n != 0 {
		t.Errorf("%d candidates of an unknown type are used", n)
	}
}

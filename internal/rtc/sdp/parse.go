package sdp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds on a description.
const (
	maxMedia      = 16
	maxCodecs     = 128 // of a section
	maxCandidates = 64  // kept of all sections; a phone with many networks and two TURN servers has about 30
	maxSSRCs      = 16  // lines of a section
)

// Description holds the parts of a peer's session description that the SDK uses.
type Description struct {
	Identity   string      // of the peer's session; a further offer has the same
	Trickle    bool        // the peer takes candidates after the description (RFC 8838)
	Lite       bool        // an ICE lite agent (RFC 8445, 2.5)
	Media      []Media     // in the order of their m= lines
	Candidates []Candidate // that are usable, of all sections
	Unusable   int         // candidates that are not
	Eager      bool        // see EagerAttribute

	bundles   [][]string // mids of each BUNDLE group
	refused   string     // value of RefusedAttribute
	limit     int        // of the whole session, see Media.Limit
	transport Transport  // what stands at the session level
	direction string     // likewise; that of sections without their own
	own       []string   // ICE user name fragments that the sections state themselves
}

// Transport is how a section's packets are carried.
type Transport struct {
	Fragment, Password string // of ICE
	Fingerprint        string // of the DTLS certificate, with its hash's name
	Setup              string // the DTLS role: active, passive, actpass, or empty
}

// Media is one m= section.
type Media struct {
	Kind     string // "video", "audio", "application", or what the peer wrote
	MID      string // empty for none
	Port     int    // 0 if the section is refused, or is only to be bundled
	Protocol string
	Formats  string // as the peer wrote them
	Send     bool   // the peer is willing to send
	Recv     bool   // the peer is willing to receive
	Codecs   []Codec
	TWCC     uint8 // id of the transport-wide sequence number extension; 0 for none
	Limit    int   // bits per second that the peer asks not to be exceeded (b=); 0 for none
	SCTPMap  bool  // a data channel in the form before RFC 8841

	Transport Transport // with the session's values where the section has none

	bundleOnly bool
	track      string   // name of the one that an answerer of this SDK sends
	ssrcs      []string // values of a=ssrc and a=ssrc-group that pion may need
}

// twccURI names the transport-wide sequence number extension
// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
const twccURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// EagerAttribute is the session-level attribute of an answerer that uses the
// first pair on which a check arrives.
const EagerAttribute = "smartcam-eager"

// Parse reads a signaling payload with a description of a kind, "offer" or
// "answer". Lines that cannot be read are left out; an error means that there is
// no media section to speak of, but in an answer that refuses and says why.
func Parse(payload []byte, kind string) (*Description, error) {
	sdp, err := text(payload, kind)
	if err != nil {
		return nil, err
	}
	d := &Description{}
	var session string // the id of the origin
	var m *Media
	for line := range strings.SplitSeq(strings.ReplaceAll(sdp, "\r", "\n"), "\n") {
		line = strings.TrimRight(line, " \t\x00")
		if len(line) < 2 || line[1] != '=' {
			continue
		}
		value := strings.TrimSpace(line[2:])
		switch line[0] {
		case 'o':
			if f := strings.Fields(value); len(f) > 1 && m == nil {
				session = f[1]
			}
		case 'm':
			if len(d.Media) == maxMedia {
				return nil, fmt.Errorf("webrtc: SDP of the %s has more than %d media sections", kind, maxMedia)
			}
			d.Media = append(d.Media, parseMedia(value))
			m = &d.Media[len(d.Media)-1]
			m.direct(d.direction)
		case 'b':
			limit := parseLimit(value)
			if m != nil && limit > 0 {
				m.Limit = limit
			} else if limit > 0 {
				d.limit = limit
			}
		case 'a':
			name, value, _ := strings.Cut(value, ":")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			d.attribute(m, name, value)
		}
	}
	if len(d.Media) == 0 && (kind != "answer" || d.refused == "") {
		return nil, fmt.Errorf("webrtc: SDP of the %s has no media section", kind)
	}
	d.own = make([]string, len(d.Media))
	for i := range d.Media {
		d.own[i] = d.Media[i].Transport.Fragment
	}
	d.finish()
	d.Identity = clean(session, 64)
	for i := range d.Media {
		if f := d.Media[i].Transport.Fingerprint; f != "" {
			d.Identity += " " + f
			break
		}
	}
	return d, nil
}

// finish gives the sections what stands at the session level, or in another one:
// all that are served share one transport.
func (d *Description) finish() {
	for i := range d.Media {
		m := &d.Media[i]
		m.resolve()
		t := &m.Transport
		inherit(t, d.transport)
	}
	for i := range d.Media {
		for j := range d.Media {
			if i != j && d.bundled(i, j) {
				inherit(&d.Media[i].Transport, d.Media[j].Transport)
			}
		}
		if d.limit > 0 && (d.Media[i].Limit == 0 || d.Media[i].Limit > d.limit) {
			d.Media[i].Limit = d.limit
		}
	}
}

// Belongs reports whether a candidate is of a transport with the user name
// fragment. One that names neither a fragment nor a section with its own counts
// as such.
func (d *Description) Belongs(c Candidate, fragment string) bool {
	if c.Fragment != "" {
		return c.Fragment == fragment
	}
	i := c.section
	if c.MID != "" {
		if j := slices.IndexFunc(d.Media, func(m Media) bool { return m.MID == c.MID }); j >= 0 {
			i = j
		}
	}
	return i < 0 || i >= len(d.own) || d.own[i] == "" || d.own[i] == fragment
}

// inherit sets what t lacks.
func inherit(t *Transport, from Transport) {
	if t.Fragment == "" || t.Password == "" {
		t.Fragment, t.Password = from.Fragment, from.Password
	}
	if t.Fingerprint == "" {
		t.Fingerprint = from.Fingerprint
	}
	if t.Setup == "" {
		t.Setup = from.Setup
	}
}

// bundled reports whether two sections are in the same BUNDLE group.
func (d *Description) bundled(i, j int) bool {
	if i == j {
		return true
	}
	group := d.group(i)
	return d.Media[j].MID != "" && slices.Contains(group, d.Media[j].MID)
}

// group returns the mids of a section's BUNDLE group, nil if it has none.
func (d *Description) group(i int) []string {
	mid := d.Media[i].MID
	if mid == "" {
		return nil
	}
	for _, g := range d.bundles {
		if slices.Contains(g, mid) {
			return g
		}
	}
	return nil
}

// parseMedia reads the value of an m= line (RFC 8866, 5.14).
func parseMedia(value string) Media {
	m := Media{Send: true, Recv: true}
	f := strings.Fields(value)
	for len(f) < 4 {
		f = append(f, "0")
	}
	m.Kind, m.Protocol, m.Formats = f[0], f[2], strings.Join(f[3:], " ")
	port, _, _ := strings.Cut(f[1], "/")
	m.Port, _ = strconv.Atoi(port) // one that is odd is refused as 0 is
	if m.Port < 0 || m.Port > 65535 {
		m.Port = 0
	}
	for _, format := range f[3:min(len(f), 3+maxCodecs)] {
		if pt, err := strconv.ParseUint(format, 10, 7); err == nil && m.codec(uint8(pt)) == nil {
			m.Codecs = append(m.Codecs, Codec{PT: uint8(pt), Codec: static[uint8(pt)]})
		}
	}
	return m
}

// codec returns the section's codec with a payload type, nil if there is none.
func (m *Media) codec(pt uint8) *Codec {
	for i := range m.Codecs {
		if m.Codecs[i].PT == pt {
			return &m.Codecs[i]
		}
	}
	return nil
}

// resolve finds the retransmissions of each codec: rtx names what it is of by its
// format parameters, which may stand before or after.
func (m *Media) resolve() {
	for _, c := range m.Codecs {
		if !strings.HasPrefix(strings.ToLower(c.Name), "rtx/") {
			continue
		}
		if apt, err := strconv.ParseUint(parameter(c.FMTP, "apt"), 10, 7); err == nil {
			if of := m.codec(uint8(apt)); of != nil && of.PT != c.PT {
				of.RTX = c.PT
			}
		}
	}
}

// parseLimit reads a b= line: AS is in kbit/s (RFC 8866, 5.8), TIAS in bit/s
// (RFC 3890). 0 means none.
func parseLimit(value string) int {
	kind, number, _ := strings.Cut(value, ":")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 40)
	if err != nil {
		return 0
	}
	switch kind {
	case "AS":
		n *= 1000
	case "TIAS":
	default:
		return 0
	}
	const most = 1 << 30 // no camera sends so much
	return int(min(n, most))
}

package sdp

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// Local is the camera's side of a session, as an answer tells it.
type Local struct {
	Session, Version       uint64 // of the origin; the version grows with each answer
	Fragment, Password     string // of ICE
	Fingerprint            string // with its hash's name
	Setup                  string // the DTLS role that the session has; empty before its first answer
	Candidates             []string
	Picture, Repair, Sound uint32 // SSRCs of what is sent; Repair of retransmissions
}

// Setup is the camera's DTLS role (RFC 8842, 5.3): a peer that is passive is
// answered active. Any other is answered passive, which saves a round trip, as a
// peer that offers sends its first packet with the answer at hand. A session has a
// role already, which stays if the peer leaves the choice (RFC 8842, 5.5).
func (c *Choice) Setup(role string) string {
	offered := c.Transport().Setup
	switch {
	case offered == "passive":
		return "active"
	case offered != "active" && role != "":
		return role
	}
	return "passive"
}

// Answer returns the answer to the offer. It fails if the answer would not say
// what the choice does.
func (c *Choice) Answer(l Local) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", l.Session, l.Version)
	// The attribute tells a viewer of this SDK how the camera chooses pairs.
	b.WriteString("a=" + EagerAttribute + "\r\n")
	if group := c.group(); len(group) > 0 {
		b.WriteString("a=group:BUNDLE " + strings.Join(group, " ") + "\r\n")
	}
	b.WriteString("a=msid-semantic:WMS camera\r\n")
	for i := range c.offer.Media {
		if c.sections[i].served {
			c.write(&b, i, l)
		} else {
			c.offer.Media[i].refuse(&b)
			c.writeTransport(&b, l) // GStreamer takes no section without a fingerprint
		}
	}
	answer := Marshal("answer", b.String())
	if err := c.check(answer); err != nil {
		return nil, fmt.Errorf("webrtc: the answer to %s is wrong: %w", c.offer.summary(), err)
	}
	return answer, nil
}

// group returns the mids that are bundled, in the offer's order.
func (c *Choice) group() []string {
	return slices.DeleteFunc(slices.Clone(c.offer.group(c.transport)), func(mid string) bool {
		i := slices.IndexFunc(c.offer.Media, func(m Media) bool { return m.MID == mid })
		return i < 0 || !c.sections[i].served
	})
}

// refuse writes a section that is not served: its port is zero (RFC 3264, 6).
func (m *Media) refuse(b *strings.Builder) {
	fmt.Fprintf(b, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\n", m.Kind, m.Protocol, m.Formats)
	if m.MID != "" {
		fmt.Fprintf(b, "a=mid:%s\r\n", m.MID)
	}
	b.WriteString("a=inactive\r\n")
}

// write writes a section that is served.
func (c *Choice) write(b *strings.Builder, i int, l Local) {
	m, s := &c.offer.Media[i], &c.sections[i]
	formats := m.Formats
	if m.Kind != "application" {
		formats = ""
		for _, codec := range s.codecs {
			formats += fmt.Sprintf(" %d", codec.PT)
			if codec.RTX != 0 && m.Kind == "video" {
				formats += fmt.Sprintf(" %d", codec.RTX)
			}
		}
	}
	fmt.Fprintf(b, "m=%s 9 %s %s\r\nc=IN IP4 0.0.0.0\r\n", m.Kind, m.Protocol, strings.TrimSpace(formats))
	if m.MID != "" {
		fmt.Fprintf(b, "a=mid:%s\r\n", m.MID)
	}
	c.writeTransport(b, l)
	if i == c.transport {
		for _, candidate := range l.Candidates {
			fmt.Fprintf(b, "a=%s\r\n", candidate)
		}
		if !c.offer.Trickle {
			b.WriteString("a=end-of-candidates\r\n")
		}
	}
	if m.Kind == "application" {
		if m.SCTPMap {
			fmt.Fprintf(b, "a=sctpmap:%s webrtc-datachannel %d\r\n", m.Formats, dataStreams)
		} else {
			fmt.Fprintf(b, "a=sctp-port:5000\r\na=max-message-size:%d\r\n", MaxMessage)
		}
		return
	}
	fmt.Fprintf(b, "a=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", direction(s.send, s.recv))
	for _, codec := range s.codecs {
		m.writeCodec(b, codec)
	}
	if m.TWCC != 0 {
		fmt.Fprintf(b, "a=extmap:%d %s\r\n", m.TWCC, twccURI)
	}
	if s.send {
		l.writeSources(b, m.Kind, s.codecs[0].RTX != 0)
		if name := url.PathEscape(s.track); name != "" && len(name) <= maxTrackName {
			fmt.Fprintf(b, "a=%s:%s\r\n", TrackAttribute, name)
		}
	}
}

// writeTransport writes the parameters of ICE and DTLS.
func (c *Choice) writeTransport(b *strings.Builder, l Local) {
	fmt.Fprintf(b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:%s\r\na=setup:%s\r\n",
		l.Fragment, l.Password, l.Fingerprint, c.Setup(l.Setup))
}

const (
	// MaxMessage is the largest data channel message in bytes that is taken.
	MaxMessage = 1 << 20

	dataStreams = 1024
)

// feedbacks lists the kinds of RTCP feedback (RFC 4585) that a sender reacts to.
var feedbacks = []string{"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}

// writeCodec writes the attributes of a codec, and of its retransmissions.
func (m *Media) writeCodec(b *strings.Builder, c *Codec) {
	name := c.Name
	if name == "" {
		name = c.Codec.String() + "/8000" // a static payload type
	}
	fmt.Fprintf(b, "a=rtpmap:%d %s\r\n", c.PT, name)
	if c.FMTP != "" {
		fmt.Fprintf(b, "a=fmtp:%d %s\r\n", c.PT, c.FMTP)
	}
	for _, f := range feedbacks {
		if c.has(f) && (c.Codec.Video() || f == "transport-cc") {
			fmt.Fprintf(b, "a=rtcp-fb:%d %s\r\n", c.PT, f)
		}
	}
	if c.RTX != 0 && c.Codec.Video() {
		fmt.Fprintf(b, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", c.RTX, c.RTX, c.PT)
	}
}

// writeSources writes the SSRCs of what is sent. All tracks are of one stream, so
// that players keep them in step.
func (l Local) writeSources(b *strings.Builder, kind string, rtx bool) {
	ssrcs := []uint32{l.Sound}
	if kind == "video" {
		ssrcs[0] = l.Picture
		if rtx && l.Repair != 0 {
			ssrcs = append(ssrcs, l.Repair)
			fmt.Fprintf(b, "a=ssrc-group:FID %d %d\r\n", l.Picture, l.Repair)
		}
	}
	fmt.Fprintf(b, "a=msid:camera %s\r\n", kind)
	for _, ssrc := range ssrcs {
		fmt.Fprintf(b, "a=ssrc:%d cname:camera\r\na=ssrc:%d msid:camera %s\r\n", ssrc, ssrc, kind)
	}
}

// TrackAttribute is the attribute of a section in an answer that names the track that
// is sent, percent-encoded (RFC 3986, 2.1); of several renditions the one that is sent at
// first. maxTrackName bounds it, in bytes.
const (
	TrackAttribute = "smartcam-track"
	maxTrackName   = 256
)

// RefusedAttribute is the session-level attribute that carries the reason of a
// refusal: its code, a colon and a text.
const RefusedAttribute = "smartcam-refused"

// Refuse returns the answer that takes none of the offer's media; an attribute
// says why, for viewers that look for it.
func (d *Description) Refuse(r *signaling.Refusal) []byte {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
	code := strings.ReplaceAll(strings.Join(strings.Fields(r.Code), " "), ":", " ")
	fmt.Fprintf(&b, "a=%s:%s: %s\r\n", RefusedAttribute, code, strings.Join(strings.Fields(r.Reason), " "))
	for i := range d.Media {
		d.Media[i].refuse(&b)
	}
	return Marshal("answer", b.String())
}

// Refusal returns what a peer says, in at most 64 and 512 bytes that are printable.
func Refusal(code, reason string) *signaling.Refusal {
	return &signaling.Refusal{Code: clean(code, 64), Reason: clean(reason, 512)}
}

// Refused returns the reason if d is an answer that refuses all media, as a
// [*signaling.Refusal].
func (d *Description) Refused() error {
	for _, m := range d.Media {
		if m.Port != 0 {
			return nil
		}
	}
	if d.refused != "" {
		code, reason, _ := strings.Cut(d.refused, ":")
		return Refusal(code, reason)
	}
	return &signaling.Refusal{Code: "rejected", Reason: "the camera's answer takes none of the offered media"}
}

package sdp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

// check reads an answer and reports where it does not fit the offer, or says
// something else than what will be sent.
func (c *Choice) check(payload []byte) error {
	answer, err := Parse(payload, "answer")
	if err != nil {
		return errors.New("it cannot be read")
	}
	if len(answer.Media) != len(c.offer.Media) {
		return fmt.Errorf("%d media sections for %d", len(answer.Media), len(c.offer.Media))
	}
	taken := 0
	for i := range answer.Media {
		a, o := &answer.Media[i], &c.offer.Media[i]
		if a.Kind != o.Kind || a.MID != o.MID || a.Protocol != o.Protocol {
			return fmt.Errorf("section %d is %s %q, not %s %q", i, a.Kind, a.MID, o.Kind, o.MID)
		}
		if a.Port == 0 {
			continue
		}
		taken++
		if err := a.answers(o, c.Transport().Setup); err != nil {
			return fmt.Errorf("section %d (%s): %w", i, a.Kind, err)
		}
		if i != c.transport && !answer.bundled(c.transport, i) {
			return fmt.Errorf("section %d (%s) is not bundled with section %d, which has the transport", i, a.Kind, c.transport)
		}
	}
	if taken == 0 || answer.Media[c.transport].Port == 0 {
		return errors.New("it takes nothing")
	}
	if err := answer.sends("video", c.Picture); err != nil {
		return err
	}
	return answer.sends("audio", c.Sound)
}

// answers reports whether a section that is served fits the offered one, of a peer
// whose DTLS role is setup. What bundled sections say of the role does not count
// (RFC 8843, 7.1.3).
func (m *Media) answers(offered *Media, setup string) error {
	t := m.Transport
	if t.Fragment == "" || t.Password == "" || t.Fingerprint == "" {
		return errors.New("it lacks ICE or DTLS parameters")
	}
	if t.Setup != "active" && t.Setup != "passive" || t.Setup == setup {
		return fmt.Errorf("its DTLS role is %q for %q", t.Setup, setup)
	}
	if m.Kind == "application" {
		return nil
	}
	if m.Send && !offered.Recv || m.Recv && !offered.Send {
		return fmt.Errorf("it is %s for %s", m.direction(), offered.direction())
	}
	if len(m.Codecs) == 0 {
		return errors.New("it has no codec")
	}
	for _, c := range m.Codecs {
		o := offered.codec(c.PT)
		if o == nil || o.Codec != c.Codec {
			return fmt.Errorf("payload type %d was not offered as %v", c.PT, c.Codec)
		}
	}
	return nil
}

// sends reports whether the answer announces a stream just if it will be sent.
func (d *Description) sends(kind string, f packet.Format) error {
	announced := slices.IndexFunc(d.Media, func(m Media) bool { return m.Kind == kind && m.Port != 0 && m.Send })
	if f.On != (announced >= 0) {
		return fmt.Errorf("%s: announced %t, sent %t", kind, announced >= 0, f.On)
	}
	if !f.On {
		return nil
	}
	m := &d.Media[announced]
	c := m.codec(f.PT)
	if c == nil || c.RTX != f.RTX && f.RTX != 0 || f.TWCC != 0 && m.TWCC != f.TWCC {
		return fmt.Errorf("%s: what is sent (payload type %d, retransmissions %d) was not announced", kind, f.PT, f.RTX)
	}
	return nil
}

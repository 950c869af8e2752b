package sdp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The payload types under which pion knows media, whatever the peer calls them:
// the packets' own are set where they are sent, and translated where they come.
const (
	PictureType = 96
	RepairType  = 97
	OpusType    = 111
	PCMUType    = 0
	PCMAType    = 8
)

// typeOf is pion's payload type of a codec in which a peer talks.
var typeOf = map[kvsmedia.Codec]uint8{kvsmedia.Opus: OpusType, kvsmedia.PCMU: PCMUType, kvsmedia.PCMA: PCMAType}

// PictureParameters are the format parameters under which pion knows the picture.
const PictureParameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

// Remote returns the offer as pion gets it: a picture, a sound, and a section for
// data channels if data says so. Pauses, further sections and payload types are
// not pion's business, so that a further offer is news to it only if ICE restarts
// or data channels are added.
func (c *Choice) Remote(data bool) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE video audio")
	if data {
		b.WriteString(" data")
	}
	b.WriteString("\r\n")
	if c.offer.Lite {
		b.WriteString("a=ice-lite\r\n")
	}
	t := c.Transport()
	setup := t.Setup
	if setup != "active" && setup != "passive" {
		setup = "actpass"
	}
	begin := func(m, mid string) {
		fmt.Fprintf(&b, "m=%s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:%s\r\na=setup:%s\r\n",
			m, mid, t.Fragment, t.Password, t.Fingerprint, setup)
	}
	begin(fmt.Sprintf("video 9 UDP/TLS/RTP/SAVPF %d %d", PictureType, RepairType), "video")
	fmt.Fprintf(&b, "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:%d H264/90000\r\na=fmtp:%d %s\r\na=rtcp-fb:%d nack\r\na=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n",
		PictureType, PictureType, PictureParameters, PictureType, RepairType, RepairType, PictureType)
	begin(fmt.Sprintf("audio 9 UDP/TLS/RTP/SAVPF %d %d %d", OpusType, PCMUType, PCMAType), "audio")
	if c.voiceTWCC != 0 {
		fmt.Fprintf(&b, "a=extmap:%d %s\r\na=rtcp-fb:* transport-cc\r\n", c.voiceTWCC, twccURI)
	}
	fmt.Fprintf(&b, "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:%d opus/48000/2\r\na=rtpmap:%d PCMU/8000\r\na=rtpmap:%d PCMA/8000\r\n", OpusType, PCMUType, PCMAType)
	if data {
		begin("application 9 UDP/DTLS/SCTP webrtc-datachannel", "data")
		fmt.Fprintf(&b, "a=sctp-port:5000\r\na=max-message-size:%d\r\n", peerMessage)
	}
	return b.String()
}

// peerMessage is the largest data channel message in bytes that is sent: what
// browsers and pion take, whatever they say.
const peerMessage = MaxMessage

// VoiceTypes returns pion's payload type for each of the peer's.
func (c *Choice) VoiceTypes() map[uint8]uint8 {
	types := map[uint8]uint8{}
	for pt, codec := range c.Voice {
		types[pt] = typeOf[codec]
	}
	return types
}

// Accepted holds what a peer's answer to our offer agrees to.
type Accepted struct {
	Remote    string           // the answer as pion gets it: with the sections, payload types and DTLS role that were offered
	Types     map[uint8]uint8  // pion's payload types for those under which the peer may send: its own and the offered ones alike
	Video     bool             // a picture will come
	Tracks    []kvsmedia.Track // what will come: the picture and the sound
	Data      bool             // data channels can be opened
	Voice     packet.Format    // how to talk
	Transport Transport
}

// Accept compares an answer with our offer. talk is the codec of the voice, 0 for
// none. An answer that refuses all is a [*signaling.Refusal].
func Accept(offer, answer *Description, talk kvsmedia.Codec) (*Accepted, error) {
	if err := answer.Refused(); err != nil {
		return nil, err
	}
	acc := &Accepted{Types: map[uint8]uint8{}}
	var b strings.Builder
	var mids []string
	for i := range offer.Media {
		o := &offer.Media[i]
		a := answer.of(o, i)
		if a == nil || a.Port == 0 {
			o.decline(&b)
			continue
		}
		formats, attributes := o.Formats, fmt.Sprintf("a=sctp-port:5000\r\na=max-message-size:%d\r\n", peerMessage)
		if a.Kind != "application" {
			formats, attributes = o.agreed(a, acc.Types)
		}
		if formats == "" {
			o.decline(&b)
			continue
		}
		if len(mids) == 0 {
			acc.Transport = a.Transport // of the first section that is taken
		}
		mids = append(mids, o.MID)
		o.open(&b, acc.Transport, formats)
		b.WriteString(attributes)
		if a.Kind == "application" {
			acc.Data = true
			continue
		}
		acc.promise(a)
		acc.Video = acc.Video || a.Kind == "video" && a.Send
		if c := a.match(talk, ""); c != nil && a.Recv {
			acc.Voice = a.sending(0, c)
		}
		fmt.Fprintf(&b, "a=%s\r\na=rtcp-mux\r\n", a.direction())
		if a.TWCC != 0 && a.TWCC == o.TWCC {
			fmt.Fprintf(&b, "a=extmap:%d %s\r\n", a.TWCC, twccURI)
		}
		for _, ssrc := range a.ssrcs {
			b.WriteString("a=" + ssrc + "\r\n")
		}
	}
	t := acc.Transport
	if len(mids) == 0 || t.Fragment == "" || t.Password == "" || t.Fingerprint == "" {
		return nil, fmt.Errorf("webrtc: the peer's answer has nothing in common with the offer, or lacks ICE or DTLS parameters: %s", answer.summary())
	}
	acc.Remote = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE " + strings.Join(mids, " ") + "\r\n"
	if answer.Lite {
		acc.Remote += "a=ice-lite\r\n"
	}
	acc.Remote += b.String()
	return acc, nil
}

// promise notes what a peer's section says that it will send, in the codec that it
// prefers.
func (acc *Accepted) promise(a *Media) {
	i := slices.IndexFunc(a.Codecs, func(c Codec) bool { return c.Codec != 0 })
	same := func(t kvsmedia.Track) bool { return t.Codec.Video() == (a.Kind == "video") }
	if !a.Send || i < 0 || slices.ContainsFunc(acc.Tracks, same) {
		return
	}
	acc.Tracks = append(acc.Tracks, TrackOf(a.Codecs[i].Codec, a.track))
}

// TrackOf returns the track of a peer that sends a codec; without a name it is called
// by its kind, as WebRTC does.
func TrackOf(codec kvsmedia.Codec, name string) kvsmedia.Track {
	t := kvsmedia.Track{Codec: codec, Name: name}
	if codec.Video() {
		t.Name = cmp.Or(name, "video")
		return t
	}
	t.Name, t.SampleRate, t.Channels = cmp.Or(name, "audio"), int(packet.ClockRate(codec)), 1
	if codec == kvsmedia.Opus {
		t.Channels = 2 // RFC 7587, 7
	}
	return t
}

// decline writes an offered section that was not answered. Pion wants to know each
// payload type, so it has just one.
func (m *Media) decline(b *strings.Builder) {
	none := *m
	for i := range m.Codecs {
		if c := &m.Codecs[i]; c.Codec != 0 {
			none.Formats = fmt.Sprint(c.PT)
			none.refuse(b)
			fmt.Fprintf(b, "a=rtpmap:%d %s\r\n", c.PT, c.Name)
			return
		}
	}
	none.refuse(b)
}

// of returns the section of an answer for the i-th of the offer: the one at its
// place, or the one with its mid if that is of another kind. nil if there is none.
func (d *Description) of(offered *Media, i int) *Media {
	if i < len(d.Media) && d.Media[i].Kind == offered.Kind {
		return &d.Media[i]
	}
	for j := range d.Media {
		if d.Media[j].Kind == offered.Kind && d.Media[j].MID == offered.MID && offered.MID != "" {
			return &d.Media[j]
		}
	}
	return nil
}

// open writes the beginning of a section that was answered.
func (m *Media) open(b *strings.Builder, t Transport, formats string) {
	setup := t.Setup
	if setup != "passive" {
		setup = "active" // also where it is missing (RFC 8842, 5.2)
	}
	fmt.Fprintf(b, "m=%s 9 %s %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:%s\r\na=setup:%s\r\n",
		m.Kind, m.Protocol, formats, m.MID, t.Fragment, t.Password, t.Fingerprint, setup)
}

// agreed returns the offered codecs that an answer takes, as formats and
// attributes, and notes under which payload types they may come.
func (m *Media) agreed(answer *Media, types map[uint8]uint8) (formats, attributes string) {
	var b strings.Builder
	var list []string
	taken := map[uint8]bool{}
	for i := range answer.Codecs {
		a := &answer.Codecs[i]
		if a.Codec == 0 {
			continue
		}
		o := m.codec(a.PT)
		if o == nil || o.Codec != a.Codec {
			o = m.match(a.Codec, a.profile()) // the peer renumbers
		}
		if o == nil {
			continue
		}
		types[a.PT], types[o.PT] = o.PT, o.PT
		if o.RTX != 0 {
			types[o.RTX] = o.RTX
			if a.RTX != 0 {
				types[a.RTX] = o.RTX
			}
		}
		if taken[o.PT] {
			continue
		}
		taken[o.PT] = true
		list = append(list, fmt.Sprint(o.PT))
		c := *o
		c.Feedback = a.Feedback
		if a.RTX == 0 {
			c.RTX = 0
		}
		m.writeCodec(&b, &c)
		if c.RTX != 0 && c.Codec.Video() {
			list = append(list, fmt.Sprint(c.RTX))
		}
	}
	return strings.Join(list, " "), b.String()
}

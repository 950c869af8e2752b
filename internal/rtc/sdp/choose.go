package sdp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Source describes what a camera can send: its tracks, the best rendition first. The
// index of a track is its lane in the ring.
type Source struct {
	Tracks []*kvsmedia.Track

	// Profile names the profile of a video lane as [Profile] does; empty while no
	// key frame was seen.
	Profile func(lane int) string

	// Barred is why a lane is not offered, nil if it is. Without it all are.
	Barred func(lane int) error
}

// voices are the codecs in which a peer may talk.
var voices = []kvsmedia.Codec{kvsmedia.Opus, kvsmedia.PCMU, kvsmedia.PCMA}

// Choice says which sections of an offer are served, and how.
type Choice struct {
	Picture packet.Format
	Sound   packet.Format
	Voice   map[uint8]kvsmedia.Codec // payload types in which the peer may talk
	Data    bool                     // there is a section for data channels

	offer     *Description
	sections  []section // as offer.Media
	transport int       // the section whose transport is used
	voiceTWCC uint8     // id of the transport-wide sequence number extension in the peer's voice
}

// section says how one section of the offer is answered.
type section struct {
	served     bool     // otherwise its port is 0
	send, recv bool     // of the camera
	codecs     []*Codec // in the answer, the one that is sent first
	track      string   // name of the one that is sent
}

// Transport is how the media that are served travel.
func (c *Choice) Transport() Transport { return c.offer.Media[c.transport].Transport }

// usable reports whether a section could be served for what it is.
func (d *Description) usable(i int) bool {
	m := &d.Media[i]
	if m.Port == 0 && (!m.bundleOnly || d.group(i) == nil) {
		return false
	}
	t := m.Transport
	if t.Fragment == "" || t.Password == "" || t.Fingerprint == "" {
		return false
	}
	if m.Kind == "application" {
		return strings.Contains(m.Protocol, "DTLS/SCTP") || strings.HasSuffix(m.Protocol, "/SCTP")
	}
	return strings.Contains(m.Protocol, "RTP/SAVP")
}

// Choose decides what of an offer is served: of each kind of media the first
// section that is willing, all of them bundled with the picture's, or with the
// sound's if there is no picture (RFC 8843). An offer of which nothing can be
// served, and one whose picture cannot be, is a [*signaling.Refusal].
//
// current is the transport of the session that a further offer is of, nil for a first
// offer. A further offer may want nothing for now: its sections stay, inactive. What
// is not bundled with the section whose transport is in use is not served, as the
// session cannot move to another one.
func Choose(offer *Description, source Source, current *Transport) (*Choice, error) {
	c := &Choice{offer: offer, sections: make([]section, len(offer.Media)), transport: -1}
	picture, lane, err := c.picture(source)
	if err != nil {
		return nil, err
	}
	primary := picture
	if primary < 0 {
		if primary = c.first("audio", -1, source.wanted); primary < 0 {
			primary = c.first("audio", -1, talks)
		}
	}
	if primary < 0 {
		primary = c.first("application", -1, func(*Media) bool { return true })
	}
	if used := c.used(current); used >= 0 && primary >= 0 && !offer.bundled(primary, used) {
		primary, picture = used, -1
	}
	paused := c.paused(primary, source)
	if primary < 0 && current != nil && len(paused) > 0 {
		primary = paused[0]
	}
	if primary >= 0 {
		c.serve(primary, picture, lane, source)
		for _, i := range paused {
			c.hold(i, source)
		}
	}
	if !slices.ContainsFunc(c.sections, func(s section) bool { return s.served }) {
		return nil, &signaling.Refusal{Code: "nothing to serve", Reason: "the offer has no media section that the camera can serve: " + offer.summary()}
	}
	c.chooseTransport(primary)
	return c, nil
}

// used returns the section that states the transport in use itself, -1 if none does,
// as when ICE restarts.
func (c *Choice) used(current *Transport) int {
	if current == nil || current.Fragment == "" {
		return -1
	}
	return slices.Index(c.offer.own, current.Fragment)
}

// picture returns the first section that takes a picture, and the lane of the
// best rendition for it; -1 if none asks for one.
func (c *Choice) picture(source Source) (section, lane int, err error) {
	var have []string
	for _, t := range source.Tracks {
		if t.Codec.Video() && !slices.Contains(have, t.Codec.String()) {
			have = append(have, t.Codec.String())
		}
	}
	var wants []string
	for i := range c.offer.Media {
		m := &c.offer.Media[i]
		if m.Kind != "video" || !m.Recv || !c.offer.usable(i) {
			continue
		}
		if lane := source.lane(m, true); lane >= 0 {
			return i, lane, nil
		}
		if why := source.barred(m); why != nil {
			return -1, -1, &signaling.Refusal{Code: "B-frames", Reason: "of the picture that the viewer decodes: " + why.Error()}
		}
		wants = append(wants, m.names())
	}
	if len(have) == 0 || len(wants) == 0 {
		return -1, -1, nil
	}
	return -1, -1, &signaling.Refusal{Code: "no common codec",
		Reason: fmt.Sprintf("the camera sends %s, the viewer decodes %s", strings.Join(have, ", "), strings.Join(wants, "; "))}
}

// lane returns the first lane that a section can carry, -1 if there is none.
func (s Source) lane(m *Media, video bool) int {
	for lane, t := range s.Tracks {
		if t.Codec.Video() == video && m.match(t.Codec, s.profileOf(lane)) != nil && s.why(lane) == nil {
			return lane
		}
	}
	return -1
}

// barred is why a section gets no picture although it can carry one, nil if it cannot.
func (s Source) barred(m *Media) error {
	for lane, t := range s.Tracks {
		if t.Codec.Video() && m.match(t.Codec, s.profileOf(lane)) != nil {
			if why := s.why(lane); why != nil {
				return why
			}
		}
	}
	return nil
}

// why is why a lane is not offered.
func (s Source) why(lane int) error {
	if s.Barred == nil {
		return nil
	}
	return s.Barred(lane)
}

func (s Source) profileOf(lane int) string {
	if s.Profile == nil || !s.Tracks[lane].Codec.Video() {
		return ""
	}
	return s.Profile(lane)
}

// wanted reports whether a section takes a sound of the source.
func (s Source) wanted(m *Media) bool { return m.Recv && s.lane(m, false) >= 0 }

// talks reports whether the peer may talk in a section.
func talks(m *Media) bool { return m.Send && len(m.voiceCodecs()) > 0 }

// voiceCodecs returns a section's codecs in which a peer may talk, the one that
// it prefers of each.
func (m *Media) voiceCodecs() (codecs []*Codec) {
	for _, codec := range voices {
		if c := m.match(codec, ""); c != nil {
			codecs = append(codecs, c)
		}
	}
	return codecs
}

// first returns the first usable section of a kind that a test accepts, bundled
// with the section primary if that is not -1; -1 if there is none.
func (c *Choice) first(kind string, primary int, accepts func(*Media) bool) int {
	for i := range c.offer.Media {
		m := &c.offer.Media[i]
		if m.Kind == kind && c.offer.usable(i) && (primary < 0 || c.offer.bundled(primary, i)) && accepts(m) {
			return i
		}
	}
	return -1
}

// paused returns the sections that want nothing now but could be served later.
func (c *Choice) paused(primary int, source Source) (sections []int) {
	for i := range c.offer.Media {
		m := &c.offer.Media[i]
		if !c.offer.usable(i) || primary >= 0 && !c.offer.bundled(primary, i) {
			continue
		}
		if primary < 0 && len(sections) > 0 && !c.offer.bundled(sections[0], i) {
			continue
		}
		video := m.Kind == "video" && !m.Recv && source.lane(m, true) >= 0
		audio := m.Kind == "audio" && (source.lane(m, false) >= 0 || len(m.voiceCodecs()) > 0)
		if video || audio {
			sections = append(sections, i)
		}
	}
	return sections
}

// serve serves what goes with the section primary: the picture, if any, in its
// section, sound, and data.
func (c *Choice) serve(primary, picture, lane int, source Source) {
	if picture >= 0 {
		c.servePicture(picture, lane, source)
	}
	c.serveSound(primary, source)
	if i := c.first("application", primary, func(*Media) bool { return true }); i >= 0 {
		c.sections[i], c.Data = section{served: true}, true
	}
}

func (c *Choice) servePicture(i, lane int, source Source) {
	m := &c.offer.Media[i]
	codec := m.match(source.Tracks[lane].Codec, source.profileOf(lane))
	c.sections[i] = section{served: true, send: true, codecs: []*Codec{codec}, track: source.Tracks[lane].Name}
	c.Picture = m.sending(lane, codec)
}

// sending returns how a lane is sent in a section with a codec.
func (m *Media) sending(lane int, codec *Codec) packet.Format {
	f := packet.Format{Lane: lane, On: true, PT: codec.PT, Limit: m.Limit}
	if codec.Codec.Video() {
		f.RTX = codec.RTX
	}
	if codec.has("transport-cc") {
		f.TWCC = m.TWCC
	}
	return f
}

// serveSound serves the sound, and the peer's voice in the same section if the
// peer talks there, else in the first in which it does.
func (c *Choice) serveSound(primary int, source Source) {
	sound := c.first("audio", primary, source.wanted)
	if sound >= 0 {
		m := &c.offer.Media[sound]
		lane := source.lane(m, false)
		codec := m.match(source.Tracks[lane].Codec, "")
		c.sections[sound] = section{served: true, send: true, codecs: []*Codec{codec}, track: source.Tracks[lane].Name}
		c.Sound = m.sending(lane, codec)
	}
	voice := sound
	if sound < 0 || !talks(&c.offer.Media[sound]) {
		voice = c.first("audio", primary, talks)
	}
	if voice < 0 {
		return
	}
	s := &c.sections[voice]
	s.served, s.recv = true, true
	c.Voice = map[uint8]kvsmedia.Codec{}
	for _, codec := range c.offer.Media[voice].voiceCodecs() {
		c.Voice[codec.PT] = codec.Codec
		if codec.has("transport-cc") {
			c.voiceTWCC = c.offer.Media[voice].TWCC
		}
		if !slices.Contains(s.codecs, codec) {
			s.codecs = append(s.codecs, codec)
		}
	}
}

// hold keeps a section that wants nothing now, unless it is served already.
func (c *Choice) hold(i int, source Source) {
	s := &c.sections[i]
	if s.served {
		return
	}
	m := &c.offer.Media[i]
	video := m.Kind == "video"
	s.served = true
	if lane := source.lane(m, video); lane >= 0 {
		s.codecs = []*Codec{m.match(source.Tracks[lane].Codec, source.profileOf(lane))}
	}
	if !video {
		for _, codec := range m.voiceCodecs() {
			if !slices.Contains(s.codecs, codec) {
				s.codecs = append(s.codecs, codec)
			}
		}
	}
}

// chooseTransport finds the section that has the transport: the first of the
// BUNDLE group that is served (RFC 8843, 7.3.1), or the only one that is.
func (c *Choice) chooseTransport(primary int) {
	c.transport = primary
	for _, mid := range c.offer.group(primary) {
		i := slices.IndexFunc(c.offer.Media, func(m Media) bool { return m.MID == mid })
		if i >= 0 && c.sections[i].served {
			c.transport = i
			return
		}
	}
}

// summary names the sections of an offer and what became of them, for a person.
func (d *Description) summary() string {
	var parts []string
	for i, m := range d.Media {
		s := clean(m.Kind, 16)
		switch {
		case m.Port == 0 && !m.bundleOnly:
			s += " (port 0)"
		case !d.usable(i):
			s += " (without ICE or DTLS parameters, or over " + clean(m.Protocol, 24) + ")"
		case m.Kind == "audio" || m.Kind == "video":
			s += " (" + m.direction() + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// direction is the peer's, as SDP names it.
func (m *Media) direction() string { return direction(m.Send, m.Recv) }

func direction(send, recv bool) string {
	switch {
	case send && recv:
		return "sendrecv"
	case send:
		return "sendonly"
	case recv:
		return "recvonly"
	}
	return "inactive"
}

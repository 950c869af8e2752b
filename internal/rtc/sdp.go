package rtc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// maxSDP bounds a session description; the largest seen from a browser is
// about 12 KiB, and the signaling service takes 10,000 bytes.
const maxSDP = 256 << 10

// description is what the SDK needs to know of a peer's session description.
type description struct {
	sdp      string
	parsed   *sdp.SessionDescription
	identity string // tells a new session of a peer from a renegotiation of the old one
	trickle  bool   // the peer takes candidates after the description (RFC 8838)
	media    []mediaSection
}

// mediaSection is one m= section.
type mediaSection struct {
	kind   string // "video", "audio", "application"
	codecs []offeredCodec
	port   int  // 0 if the section is refused
	send   bool // the peer is willing to send
	recv   bool // the peer is willing to receive
}

// offeredCodec is one payload type of a media section.
type offeredCodec struct {
	codec    kvsmedia.Codec // 0 for one that the SDK does not carry
	pt       uint8
	rtx      uint8 // payload type of its retransmissions, 0 for none
	channels uint16
	fmtp     string
	feedback []webrtc.RTCPFeedback
}

// parseDescription reads a signaling payload, {"type":"offer","sdp":"…"}.
func parseDescription(payload []byte, kind string) (*description, error) {
	if len(payload) > maxSDP {
		return nil, fmt.Errorf("rtc: %s of %d bytes is larger than %d", kind, len(payload), maxSDP)
	}
	var msg struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}
	if err := json.Unmarshal(payload, &msg); err != nil {
		return nil, fmt.Errorf("rtc: %s is not a JSON session description: %w", kind, err)
	}
	if msg.Type != kind {
		return nil, fmt.Errorf("rtc: session description has type %q, want %q", msg.Type, kind)
	}
	d := &description{sdp: msg.SDP, parsed: &sdp.SessionDescription{}}
	if err := d.parsed.UnmarshalString(msg.SDP); err != nil {
		return nil, fmt.Errorf("rtc: SDP of the %s cannot be read: %w", kind, err)
	}
	if len(d.parsed.MediaDescriptions) == 0 {
		return nil, fmt.Errorf("rtc: SDP of the %s has no media section", kind)
	}
	if len(d.parsed.MediaDescriptions) > 16 {
		return nil, fmt.Errorf("rtc: SDP of the %s has %d media sections, more than 16", kind, len(d.parsed.MediaDescriptions))
	}
	fingerprint, _ := d.parsed.Attribute("fingerprint")
	trickle, _ := d.parsed.Attribute("ice-options")
	for _, m := range d.parsed.MediaDescriptions {
		if fingerprint == "" {
			fingerprint, _ = m.Attribute("fingerprint")
		}
		if trickle == "" {
			trickle, _ = m.Attribute("ice-options")
		}
		d.media = append(d.media, parseMedia(m))
	}
	d.trickle = slices.Contains(strings.Fields(trickle), "trickle")
	d.identity = strconv.FormatUint(d.parsed.Origin.SessionID, 10) + " " + fingerprint
	return d, nil
}

func parseMedia(m *sdp.MediaDescription) mediaSection {
	s := mediaSection{kind: m.MediaName.Media, port: m.MediaName.Port.Value, send: true, recv: true}
	byPT := map[uint8]*offeredCodec{}
	names := map[uint8]string{}
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		s.codecs = append(s.codecs, offeredCodec{pt: uint8(pt)})
	}
	for i := range s.codecs {
		c := &s.codecs[i]
		byPT[c.pt] = c
		switch c.pt { // static payload types, RFC 3551
		case 0:
			names[0] = "pcmu/8000"
		case 8:
			names[8] = "pcma/8000"
		}
	}
	for _, a := range m.Attributes {
		switch a.Key {
		case "sendonly":
			s.recv = false
		case "recvonly":
			s.send = false
		case "inactive":
			s.send, s.recv = false, false
		case "rtpmap", "fmtp", "rtcp-fb":
			id, value, _ := strings.Cut(a.Value, " ")
			if id == "*" && a.Key == "rtcp-fb" {
				for _, c := range byPT {
					c.feedback = append(c.feedback, feedback(value))
				}
				continue
			}
			pt, err := strconv.ParseUint(id, 10, 7)
			c := byPT[uint8(pt)]
			if err != nil || c == nil {
				continue
			}
			switch a.Key {
			case "rtpmap":
				names[c.pt] = strings.ToLower(value)
			case "fmtp":
				c.fmtp = value
			case "rtcp-fb":
				c.feedback = append(c.feedback, feedback(value))
			}
		}
	}
	for pt, name := range names {
		c := byPT[pt]
		parts := strings.Split(name, "/")
		switch parts[0] {
		case "h264":
			c.codec = kvsmedia.H264
		case "h265":
			c.codec = kvsmedia.H265
		case "opus":
			c.codec, c.channels = kvsmedia.Opus, 2
		case "pcmu":
			c.codec = kvsmedia.PCMU
		case "pcma":
			c.codec = kvsmedia.PCMA
		case "rtx":
			apt, err := strconv.ParseUint(fmtpValue(c.fmtp, "apt"), 10, 7)
			if target := byPT[uint8(apt)]; err == nil && target != nil {
				target.rtx = pt
			}
		}
	}
	return s
}

func feedback(value string) webrtc.RTCPFeedback {
	kind, parameter, _ := strings.Cut(value, " ")
	return webrtc.RTCPFeedback{Type: kind, Parameter: parameter}
}

// fmtpValue returns the value of a key in a format parameter line.
func fmtpValue(line, key string) string {
	for pair := range strings.SplitSeq(line, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// section returns the first section of a kind, nil if there is none.
func (d *description) section(kind string) *mediaSection {
	for i := range d.media {
		if d.media[i].kind == kind {
			return &d.media[i]
		}
	}
	return nil
}

// profileOf names the codec's profile: see h264Profile, and profile-id for H265
// (RFC 7798, 7.1), where 1 is the default.
func (c *offeredCodec) profileOf() string {
	if c.codec == kvsmedia.H264 {
		return h264Profile(fmtpValue(c.fmtp, "profile-level-id"))
	}
	if p := fmtpValue(c.fmtp, "profile-id"); p != "" {
		return p
	}
	return "1"
}

// h264Profile reduces a profile-level-id to what tells profiles apart (RFC 6184,
// table 5): profile_idc, and for Baseline whether it is the constrained one.
func h264Profile(profileLevelID string) string {
	id, err := strconv.ParseUint(profileLevelID, 16, 24)
	if err != nil || len(profileLevelID) != 6 {
		return "42" // Baseline is the default (RFC 6184, 8.1)
	}
	idc, constraints := id>>16, id>>8&0xff
	if idc == 0x42 && constraints&0x40 != 0 {
		return "42constrained"
	}
	return strconv.FormatUint(idc, 16)
}

// match finds the offered codec that can carry a track with the given profile
// (as profileOf names it; empty when no frame was seen yet). H264 needs
// packetization-mode 1. A stream of another profile than any offered is sent
// all the same if H264 is offered at all: decoders take more than they announce,
// but none announces H265 that it cannot decode, so there the profile counts.
func (m *mediaSection) match(codec kvsmedia.Codec, profile string) *offeredCodec {
	var second *offeredCodec
	for i := range m.codecs {
		c := &m.codecs[i]
		if c.codec != codec || codec == kvsmedia.H264 && fmtpValue(c.fmtp, "packetization-mode") != "1" {
			continue
		}
		if !codec.Video() || profile == "" || c.profileOf() == profile {
			return c
		}
		if codec == kvsmedia.H264 && second == nil {
			second = c
		}
	}
	return second
}

// refusal makes the answer that takes none of the offer's media: every port is
// zero (RFC 3264, 6), and an attribute says why, for viewers that look for it.
func (d *description) refusal(r *signaling.Refusal) ([]byte, error) {
	answer := &sdp.SessionDescription{
		Origin: sdp.Origin{Username: "-", SessionID: 1, SessionVersion: 1,
			NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0"},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
		Attributes:       []sdp.Attribute{{Key: refusedAttribute, Value: refusalText(r)}},
	}
	for _, m := range d.parsed.MediaDescriptions {
		none := &sdp.MediaDescription{MediaName: m.MediaName,
			ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4",
				Address: &sdp.Address{Address: "0.0.0.0"}}}
		none.MediaName.Port = sdp.RangedPort{}
		if mid, ok := m.Attribute("mid"); ok {
			none.Attributes = append(none.Attributes, sdp.Attribute{Key: "mid", Value: mid})
		}
		none.Attributes = append(none.Attributes, sdp.Attribute{Key: "inactive"})
		answer.MediaDescriptions = append(answer.MediaDescriptions, none)
	}
	text, err := answer.Marshal()
	if err != nil {
		return nil, fmt.Errorf("rtc: making the refusal: %w", err)
	}
	return marshalDescription("answer", string(text))
}

// refusedAttribute is the session-level SDP attribute that carries the reason
// of a refusal: its code, a colon and a text.
const refusedAttribute = "smartcam-refused"

func refusalText(r *signaling.Refusal) string {
	clean := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return strings.ReplaceAll(clean(r.Code), ":", " ") + ": " + clean(r.Reason)
}

// refused returns the reason if d is an answer that refuses all media.
func (d *description) refused() error {
	for _, m := range d.parsed.MediaDescriptions {
		if m.MediaName.Port.Value != 0 {
			return nil
		}
	}
	if v, ok := d.parsed.Attribute(refusedAttribute); ok {
		code, reason, _ := strings.Cut(v, ":")
		return &signaling.Refusal{Code: code, Reason: strings.TrimSpace(reason)}
	}
	return &signaling.Refusal{Code: "rejected", Reason: "the camera's answer takes none of the offered media"}
}

// Refuse returns the answer to an offer that the camera does not take.
func Refuse(offer []byte, r *signaling.Refusal) ([]byte, error) {
	d, err := parseDescription(offer, "offer")
	if err != nil {
		return nil, err
	}
	return d.refusal(r)
}

func marshalDescription(kind, text string) ([]byte, error) {
	return json.Marshal(struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}{kind, text})
}

// Identity returns what stays the same in all offers of one session of a peer:
// an offer with another identity is a new session.
func Identity(offer []byte) (string, error) {
	d, err := parseDescription(offer, "offer")
	if err != nil {
		return "", err
	}
	return d.identity, nil
}

var errNoCandidate = errors.New("rtc: end of candidates")

// parseCandidate reads a signaling payload with a candidate. The end of
// candidates, null or an empty string, is errNoCandidate.
func parseCandidate(payload []byte) (webrtc.ICECandidateInit, error) {
	var c webrtc.ICECandidateInit
	if len(payload) > 4<<10 {
		return c, fmt.Errorf("rtc: ICE candidate of %d bytes is larger than 4 KiB", len(payload))
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("rtc: ICE candidate is not JSON: %w", err)
	}
	if c.Candidate == "" {
		return c, errNoCandidate
	}
	return c, nil
}

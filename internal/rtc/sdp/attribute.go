package sdp

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// attribute takes an a= line, of the section m or of the session if that is nil.
func (d *Description) attribute(m *Media, name, value string) {
	const longest = 256 // RFC 8839, 5.4
	t := &d.transport
	if m != nil {
		t = &m.Transport
	}
	switch name {
	case "ice-ufrag", "ice-pwd", "fingerprint", "mid":
		if len(value) > longest {
			return
		}
	}
	switch name {
	case "group":
		if f := strings.Fields(value); m == nil && len(f) > 1 && f[0] == "BUNDLE" && len(d.bundles) < maxMedia {
			d.bundles = append(d.bundles, f[1:])
		}
	case "ice-ufrag":
		t.Fragment = value
	case "ice-pwd":
		t.Password = value
	case "ice-lite":
		d.Lite = true
	case "ice-options":
		d.Trickle = d.Trickle || slices.Contains(strings.Fields(value), "trickle")
	case "fingerprint":
		if t.Fingerprint == "" || strings.HasPrefix(strings.ToLower(value), "sha-256 ") {
			t.Fingerprint = value
		}
	case "setup":
		t.Setup = strings.ToLower(value)
	case EagerAttribute:
		d.Eager = d.Eager || m == nil
	case RefusedAttribute:
		if m == nil {
			d.refused = value
		}
	case "candidate":
		c, err := parseCandidate(value)
		c.section = len(d.Media) - 1
		if err != nil || len(d.Candidates) >= maxCandidates {
			d.Unusable++
		} else if !slices.ContainsFunc(d.Candidates, func(o Candidate) bool { return o.Address == c.Address }) {
			d.Candidates = append(d.Candidates, c)
		}
	case "sendrecv", "sendonly", "recvonly", "inactive":
		if m == nil {
			d.direction = name
		} else {
			m.direct(name)
		}
	default:
		if m != nil {
			m.attribute(name, value)
		}
	}
}

// direct takes a direction; empty changes nothing.
func (m *Media) direct(direction string) {
	if direction != "" {
		m.Send = direction == "sendrecv" || direction == "sendonly"
		m.Recv = direction == "sendrecv" || direction == "recvonly"
	}
}

// attribute takes an a= line that only a section has.
func (m *Media) attribute(name, value string) {
	switch name {
	case "mid":
		m.MID = value
	case "bundle-only":
		m.bundleOnly = true
	case "sctpmap":
		m.SCTPMap = true
	case "extmap":
		f := strings.Fields(value)
		if len(f) < 2 || f[1] != twccURI {
			return
		}
		id, direction, _ := strings.Cut(f[0], "/")
		if n, err := strconv.ParseUint(id, 10, 8); err == nil && n >= 1 && n <= 14 && direction != "inactive" { // one-byte headers, RFC 8285, 4.2
			m.TWCC = uint8(n)
		}
	case TrackAttribute:
		m.track = trackName(value)
	case "ssrc", "ssrc-group":
		if len(m.ssrcs) < maxSSRCs {
			m.ssrcs = append(m.ssrcs, name+":"+value)
		}
	case "rtpmap", "fmtp", "rtcp-fb":
		id, value, _ := strings.Cut(value, " ")
		m.format(name, id, strings.TrimSpace(value))
	}
}

// trackName reads the value of a TrackAttribute; empty if it cannot be a name.
func trackName(value string) string {
	if len(value) > maxTrackName {
		return ""
	}
	name, err := url.PathUnescape(value)
	if err != nil || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return ""
	}
	return strings.Clone(name) // not with the whole description
}

// format takes an attribute of a payload type.
func (m *Media) format(name, id, value string) {
	const maxFeedback = 16
	if name == "rtcp-fb" && id == "*" {
		for i := range m.Codecs {
			if len(m.Codecs[i].Feedback) < maxFeedback {
				m.Codecs[i].Feedback = append(m.Codecs[i].Feedback, value)
			}
		}
		return
	}
	pt, err := strconv.ParseUint(id, 10, 7)
	if err != nil {
		return
	}
	c := m.codec(uint8(pt))
	if c == nil {
		return
	}
	switch name {
	case "rtpmap":
		c.Name, c.Codec = value, encodingOf(value)
	case "fmtp":
		c.FMTP = value
	case "rtcp-fb":
		if len(c.Feedback) < maxFeedback {
			c.Feedback = append(c.Feedback, value)
		}
	}
}

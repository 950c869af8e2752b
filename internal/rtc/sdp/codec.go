package sdp

import (
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Codec is one payload type of a media section.
type Codec struct {
	Codec    kvsmedia.Codec // 0 for one that the SDK does not carry
	PT       uint8
	RTX      uint8  // payload type of its retransmissions (RFC 4588); 0 for none
	Name     string // as the peer writes it in a=rtpmap, empty for a static payload type without one
	FMTP     string
	Feedback []string // values of a=rtcp-fb
}

// has reports whether the peer offered a kind of feedback.
func (c *Codec) has(feedback string) bool {
	for _, f := range c.Feedback {
		if f == feedback {
			return true
		}
	}
	return false
}

// encodings are the names of a=rtpmap in lower case, without the number of
// channels: one that is odd does no harm.
var encodings = map[string]kvsmedia.Codec{
	"h264/90000": kvsmedia.H264,
	"h265/90000": kvsmedia.H265,
	"opus/48000": kvsmedia.Opus,
	"pcmu/8000":  kvsmedia.PCMU,
	"pcma/8000":  kvsmedia.PCMA,
}

// encodingOf returns the codec of an rtpmap's value, 0 for one that the SDK does not carry.
func encodingOf(value string) kvsmedia.Codec {
	parts := strings.Split(strings.ToLower(value), "/")
	if len(parts) < 2 {
		return 0
	}
	return encodings[parts[0]+"/"+parts[1]]
}

// static are the payload types that need no rtpmap (RFC 3551, 6).
var static = map[uint8]kvsmedia.Codec{0: kvsmedia.PCMU, 8: kvsmedia.PCMA}

// parameter returns the value of a key in a format parameter line.
func parameter(line, key string) string {
	for pair := range strings.SplitSeq(line, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(k, key) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// profile names the codec's profile: see h264Profile, and profile-id for H265
// (RFC 7798, 7.1), where 1 is the default.
func (c *Codec) profile() string {
	if c.Codec == kvsmedia.H264 {
		return h264Profile(parameter(c.FMTP, "profile-level-id"))
	}
	if p := parameter(c.FMTP, "profile-id"); p != "" {
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

// Profile names the profile of a video stream for the choice of a codec, from
// its sequence parameter set; empty if there is none that can be read.
func Profile(sets *bitstream.ParameterSets) string {
	sps, err := sets.SPS()
	if err != nil {
		return ""
	}
	if sps.Codec == bitstream.H264 {
		return h264Profile(sps.ProfileLevelID())
	}
	return strconv.Itoa(int(sps.Profile))
}

// Packetization modes of H.264 (RFC 6184, 6.2) by how well they carry what is
// sent, NAL units whole and in fragments. A peer that states none, or says 0, takes
// fragments in practice; interleaved ones are never sent.
var modes = map[string]int{"1": 0, "": 1, "0": 2}

// match finds the offered codec that can carry a track with the given profile
// (as Profile names it; empty when no frame was seen yet). A stream of another
// profile than any offered is sent all the same if H264 is offered at all:
// decoders take more than they announce, but none announces H265 that it cannot
// decode, so there the profile counts.
func (m *Media) match(codec kvsmedia.Codec, profile string) *Codec {
	var best *Codec
	var bestRank int
	for i := range m.Codecs {
		c := &m.Codecs[i]
		if c.Codec != codec || codec == 0 {
			continue
		}
		rank := 0
		if codec.Video() && profile != "" && c.profile() != profile {
			rank = 1
		}
		switch codec {
		case kvsmedia.H264:
			mode, known := modes[parameter(c.FMTP, "packetization-mode")]
			if !known {
				continue
			}
			rank += 2 * mode
		case kvsmedia.H265:
			if rank > 0 {
				continue
			}
		default: // the codecs of sound have one form each
		}
		if best == nil || rank < bestRank {
			best, bestRank = c, rank
		}
	}
	return best
}

// names lists the codecs that the SDK carries of those that a section offers, for
// a person to read.
func (m *Media) names() string {
	var names []string
	seen := map[string]bool{}
	for _, c := range m.Codecs {
		if c.Codec == 0 {
			continue
		}
		name := c.Codec.String()
		if mode := parameter(c.FMTP, "packetization-mode"); c.Codec == kvsmedia.H264 {
			if _, known := modes[mode]; !known {
				name += " with packetization-mode " + clean(mode, 8)
			}
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "neither H264 nor H265"
	}
	return strings.Join(names, ", ")
}

// clean is at most n bytes of what a peer wrote, for a message: printable ASCII in
// one line.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s[:min(len(s), 4*n)])
	s = strings.Join(strings.Fields(s), " ")
	return s[:min(len(s), n)]
}

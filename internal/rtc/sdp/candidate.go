package sdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxCandidate bounds a candidate's payload in bytes.
const maxCandidate = 4 << 10

// ErrEnd is the end of candidates, null or an empty string.
var ErrEnd = errors.New("webrtc: end of candidates")

// Candidate is an ICE candidate of a peer that can be used: UDP, of component 1,
// with an IP address.
type Candidate struct {
	Address    netip.AddrPort
	Type       string // host, srflx, prflx or relay
	Priority   uint32
	Foundation string
	Fragment   string // the ICE user name fragment that it belongs to; empty if it names none
	MID        string // the section that it belongs to; empty if it names none
	section    int    // likewise, its place in the description; -1 for none
}

// Line is the candidate as pion gets it (RFC 8839, 5.1).
func (c Candidate) Line() string {
	line := fmt.Sprintf("candidate:%s 1 udp %d %s %d typ %s", c.Foundation, c.Priority, c.Address.Addr(), c.Address.Port(), c.Type)
	if c.Type != "host" {
		line += " raddr 0.0.0.0 rport 0"
	}
	return line
}

// ParseCandidate reads a signaling payload with a candidate as clients write them:
// RTCIceCandidateInit whose numbers may be text and the other way round, or the
// bare line. The end of candidates is [ErrEnd]; any other error says why the
// candidate cannot be used.
func ParseCandidate(payload []byte) (Candidate, error) {
	if len(payload) > maxCandidate {
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate of %d bytes is larger than %d", len(payload), maxCandidate)
	}
	payload = trimmed(payload)
	if len(payload) == 0 {
		return Candidate{}, ErrEnd
	}
	if payload[0] != '{' && payload[0] != '"' && !bytes.Equal(payload, []byte("null")) {
		return parseCandidate(string(payload))
	}
	var msg struct {
		Candidate string `json:"candidate"`
		Fragment  any    `json:"usernameFragment"`
		MID       any    `json:"sdpMid"`
		Index     any    `json:"sdpMLineIndex"`
	}
	if payload[0] == '"' {
		if err := json.Unmarshal(payload, &msg.Candidate); err != nil {
			return Candidate{}, fmt.Errorf("webrtc: ICE candidate is not JSON: %w", err)
		}
	} else if err := json.Unmarshal(payload, &msg); err != nil {
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate is not JSON: %w", err)
	}
	if strings.TrimSpace(msg.Candidate) == "" {
		return Candidate{}, ErrEnd
	}
	c, err := parseCandidate(msg.Candidate)
	if s, ok := msg.Fragment.(string); ok && c.Fragment == "" {
		c.Fragment = s
	}
	if s := fmt.Sprint(msg.MID); msg.MID != nil && len(s) <= 256 {
		c.MID = s
	}
	if i, err := strconv.ParseFloat(fmt.Sprint(msg.Index), 64); err == nil && i >= 0 && i < maxMedia {
		c.section = int(i)
	}
	return c, err
}

// parseCandidate reads a candidate line, with or without its attribute's name.
func parseCandidate(line string) (Candidate, error) {
	line = strings.Trim(line, " \t\r\n\x00")
	line = strings.TrimPrefix(line, "a=")
	line = strings.TrimPrefix(line, "candidate:")
	f := strings.Fields(line)
	if len(f) < 8 || f[6] != "typ" {
		return Candidate{}, errors.New("webrtc: not an ICE candidate line")
	}
	if !strings.EqualFold(f[2], "udp") {
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate over %.10q, want udp", f[2])
	}
	if f[1] != "1" {
		return Candidate{}, errors.New("webrtc: ICE candidate of RTCP alone, which is sent with RTP")
	}
	priority, err := strconv.ParseUint(f[3], 10, 32)
	if err != nil {
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate with priority %.20q", f[3])
	}
	ip, err := netip.ParseAddr(f[4])
	if err != nil {
		// A peer that hides behind a multicast name still reaches us: its checks
		// arrive at our candidates, so no name needs to be resolved.
		return Candidate{}, errors.New("webrtc: ICE candidate with a host name instead of an IP address")
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port == 0 {
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate with port %.10q", f[5])
	}
	ip = ip.WithZone("").Unmap()
	if ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return Candidate{}, errors.New("webrtc: ICE candidate with an address of no single host")
	}
	kind := strings.ToLower(f[7])
	switch kind {
	case "host", "srflx", "prflx", "relay":
	default:
		return Candidate{}, fmt.Errorf("webrtc: ICE candidate of type %.10q", f[7])
	}
	c := Candidate{Address: netip.AddrPortFrom(ip, uint16(port)), Type: kind, Priority: uint32(priority), Foundation: "0", section: -1}
	if len(f[0]) <= 32 && isToken(f[0]) {
		c.Foundation = f[0]
	}
	for i := 8; i+1 < len(f); i += 2 {
		if f[i] == "ufrag" {
			c.Fragment = f[i+1]
		}
	}
	return c, nil
}

// isToken reports whether s is of ice-chars (RFC 8839, 5.1) alone.
func isToken(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return s != ""
}

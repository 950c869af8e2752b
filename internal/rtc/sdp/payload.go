package sdp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// maxPayload bounds a signaling payload in bytes; the largest description seen
// from a browser is about 12 KiB, and the signaling service takes 10,000 bytes.
const maxPayload = 256 << 10

// trimmed is a payload without what some clients leave around it: blanks, the NUL
// that ends a C string, and a byte order mark.
func trimmed(payload []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(payload, []byte("\xef\xbb\xbf")), " \t\r\n\x00")
}

// text returns the SDP in a signaling payload, {"type":"offer","sdp":"…"} or the
// bare SDP. kind is what it must be, in any case of letters; a missing type
// counts as that.
func text(payload []byte, kind string) (string, error) {
	if len(payload) > maxPayload {
		return "", fmt.Errorf("webrtc: %s of %d bytes is larger than %d", kind, len(payload), maxPayload)
	}
	payload = trimmed(payload)
	if bytes.HasPrefix(payload, []byte("v=")) {
		return string(payload), nil
	}
	var msg struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}
	if err := json.Unmarshal(payload, &msg); err != nil {
		return "", fmt.Errorf("webrtc: %s is not a JSON session description: %w", kind, err)
	}
	if msg.Type != "" && !strings.EqualFold(msg.Type, kind) {
		return "", fmt.Errorf("webrtc: session description has type %.20q, want %q", msg.Type, kind)
	}
	return msg.SDP, nil
}

// Marshal returns the signaling payload of a description.
func Marshal(kind, text string) []byte {
	b, _ := json.Marshal(struct { // strings can always be encoded
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}{kind, text})
	return b
}

package signaling

import (
	"log/slog"
	"strings"
	"time"
)

// ICEServer is one STUN or TURN server (RFC 8445, RFC 8656). Its JSON form is
// the RTCIceServer of browsers. Credential is a secret: String, GoString and
// LogValue leave it out. JSON cannot, so log servers one by one: a JSON log
// handler marshals a slice.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`

	// Expires is when the credential stops working for new allocations; zero
	// for a server that needs none.
	Expires time.Time `json:"expires,omitzero"`
}

// String returns the URLs, without the credential.
func (s ICEServer) String() string { return strings.Join(s.URLs, " ") }

// GoString returns the same as String, so that %#v shows no secret.
func (s ICEServer) GoString() string { return s.String() }

// LogValue returns the URLs and the expiry, without the credential.
func (s ICEServer) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("urls", s.URLs), slog.Time("expires", s.Expires))
}

package signaling

import (
	"fmt"
	"log/slog"
	"time"
)

// Grant lets its holder connect as one viewer (or master), for a few minutes,
// without AWS credentials. Its JSON form is what a backend sends to an app; a browser can
// open URL as it is and pass ICEServers to RTCPeerConnection. URL and the ICE
// servers' credentials are secrets: String, GoString and LogValue leave them out.
type Grant struct {
	// URL is the signed address of the WebSocket.
	URL string `json:"url"`

	// ICEServers are the STUN and TURN servers to use; their credentials are
	// good for about five minutes.
	ICEServers []ICEServer `json:"iceServers"`

	// Channel is the channel's ARN.
	Channel string `json:"channel"`

	// ClientID is the viewer's ID as the master sees it; empty for a master.
	ClientID string `json:"clientId,omitempty"`

	// Expires is until when URL opens a connection. A connection that was
	// opened in time lives on, up to an hour.
	Expires time.Time `json:"expires"`
}

// String returns the grant's channel, client and expiry, without its secrets.
func (g Grant) String() string {
	return fmt.Sprintf("grant for client %q on %s until %s", g.ClientID, g.Channel, g.Expires.Format(time.RFC3339))
}

// GoString returns the same as String, so that %#v shows no secret.
func (g Grant) GoString() string { return g.String() }

// LogValue returns the grant without its secrets.
func (g Grant) LogValue() slog.Value {
	return slog.GroupValue(slog.String("channel", g.Channel), slog.String("clientId", g.ClientID), slog.Time("expires", g.Expires))
}

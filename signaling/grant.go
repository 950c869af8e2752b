package signaling

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
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

// check returns the ConfigError of a URL that the grant's signature must not be
// sent to. It does not show the URL.
func (g Grant) check() error {
	u, err := url.Parse(g.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "wss" && u.Scheme != "ws":
		return &ConfigError{"Grant.URL", "is not a WebSocket URL (wss://…)"}
	case u.User != nil || strings.Contains(g.URL, "#"):
		return &ConfigError{"Grant.URL", "has a user name or a fragment, which no signed URL has"}
	case u.Scheme == "ws" && !loopback(u.Hostname()):
		return &ConfigError{"Grant.URL", "is not encrypted (ws://) and leads to another machine: the backend must reach its control plane over https, so that it grants wss:// URLs"}
	}
	return nil
}

// loopback reports whether host, a name or an address, is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
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

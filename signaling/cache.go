package signaling

// Endpoints are what the control plane says of a channel for one role.
type Endpoints struct {
	ChannelARN string `json:"channelArn"`
	WSS        string `json:"wss"`              // the signaling WebSocket's URL
	HTTPS      string `json:"https"`            // the URL of GetIceServerConfig
	WebRTC     string `json:"webrtc,omitempty"` // the storage service's URL; empty without media storage
}

// Cache keeps endpoints between connections. A Client drops nothing from it:
// endpoints that prove stale are fetched anew and stored over the old ones.
// Implementations are safe for concurrent use.
type Cache interface {
	// Load returns what was stored under key.
	Load(key string) (Endpoints, bool)
	// Store keeps e under key. An error is logged and otherwise ignored.
	Store(key string, e Endpoints) error
}

// MemoryCache returns a Cache that lasts as long as the process. Share one
// between the calls of a backend that signs for many viewers.
func MemoryCache() Cache { return nil }

// FileCache returns a Cache in the file at path.
func FileCache(path string) Cache { return nil }

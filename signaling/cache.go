package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Endpoints are what the control plane says of a channel for one role.
type Endpoints struct {
	ChannelARN string `json:"channelArn"`
	WSS        string `json:"wss"`              // the signaling WebSocket's URL
	HTTPS      string `json:"https"`            // the URL of GetIceServerConfig
	WebRTC     string `json:"webrtc,omitempty"` // the storage service's URL; empty without media storage
}

// Cache keeps endpoints between connections. Entries do not age: a client that
// finds them stale (no such host, connection refused, channel not found) asks
// the control plane and stores the answer over them. Implementations are safe
// for concurrent use.
type Cache interface {
	// Load returns what was stored under key.
	Load(key string) (Endpoints, bool)
	// Store keeps e under key. Its error is logged and otherwise ignored.
	Store(key string, e Endpoints) error
}

// maxCached is how many entries a cache keeps, and maxCacheFile its file's
// length in bytes, so that neither grows without end.
const (
	maxCached    = 10_000
	maxCacheFile = 8 << 20
)

type memoryCache struct {
	mu      sync.Mutex
	entries map[string]Endpoints
}

// MemoryCache returns a Cache that lasts as long as the process. Share one
// between the calls of a backend that signs for many viewers.
func MemoryCache() Cache { return &memoryCache{entries: map[string]Endpoints{}} }

func (c *memoryCache) Load(key string) (Endpoints, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e, ok
}

func (c *memoryCache) Store(key string, e Endpoints) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	put(c.entries, key, e)
	return nil
}

// put stores e, at the cost of some other entry when there are too many.
func put(m map[string]Endpoints, key string, e Endpoints) {
	if _, ok := m[key]; !ok && len(m) >= maxCached {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[key] = e
}

type fileCache struct {
	mu   sync.Mutex
	path string
}

// FileCache returns a Cache in the file at path, which is created, readable by
// its owner only, at the first Store; its directory must exist. The file holds
// no secrets. It is replaced as a whole, so a power cut leaves the old one or
// the new one; a damaged file counts as empty.
func FileCache(path string) Cache { return &fileCache{path: path} }

func (c *fileCache) Load(key string) (Endpoints, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, err := c.read()
	if err != nil {
		return Endpoints{}, false
	}
	e, ok := m[key]
	return e, ok
}

func (c *fileCache) Store(key string, e Endpoints) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, err := c.read()
	if err != nil {
		m = map[string]Endpoints{}
	}
	if old, ok := m[key]; ok && old == e {
		return nil
	}
	put(m, key, e)
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return replaceFile(c.path, b)
}

func (c *fileCache) read() (map[string]Endpoints, error) {
	f, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCacheFile))
	if err != nil {
		return nil, err
	}
	return decodeCache(b)
}

func decodeCache(b []byte) (map[string]Endpoints, error) {
	var m map[string]Endpoints
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("the cache file holds no object")
	}
	return m, nil
}

// replaceFile writes b to path so that a reader, or a power cut, sees the old
// contents or the new ones.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("signaling: endpoint cache: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if rmErr := os.Remove(f.Name()); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
		return fmt.Errorf("signaling: endpoint cache: %w", err)
	}
	return nil
}

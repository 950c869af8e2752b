package store

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Config says how a Store keeps its streams.
type Config struct {
	Dir             string           // empty keeps everything in memory
	ARNPrefix       string           // of all streams, up to their names
	KMSKey          string           // ARN of the key of streams that are created without one
	Most            int              // streams; 0 for any number
	Now             func() time.Time // the service's clock
	Create          time.Duration    // for which a new stream is CREATING
	Update          time.Duration    // for which a changed stream is UPDATING
	Delete          time.Duration    // for which a deleted stream is DELETING
	HostBuffer      time.Duration    // for which fragments are kept that are not archived
	HostBufferBytes int              // of one stream; 0 for any number
}

// Store is the streams of an account. It is safe for concurrent use.
type Store struct {
	cfg Config

	mu       sync.Mutex
	streams  map[string]*Stream // by name
	deleting map[string]*Stream // by name; they hold nothing any more
}

// What Create says no with.
var (
	ErrExists   = errors.New("a stream of that name exists already")
	ErrDeleting = errors.New("a stream of that name is being deleted")
	ErrTooMany  = errors.New("the account has as many streams as it may have")
)

// Open returns a store with the streams that Config.Dir holds.
func Open(cfg Config) (*Store, error) {
	s := &Store{cfg: cfg, streams: map[string]*Stream{}, deleting: map[string]*Stream{}}
	return s, s.load()
}

// Create makes a stream: of d its name and what a caller can choose.
func (s *Store) Create(d Description) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	if s.streams[d.Name] != nil {
		return nil, ErrExists
	}
	if s.deleting[d.Name] != nil {
		return nil, ErrDeleting
	}
	if s.cfg.Most > 0 && len(s.streams) >= s.cfg.Most {
		return nil, ErrTooMany
	}
	d.Created = s.cfg.Now()
	d.ARN = s.cfg.ARNPrefix + d.Name + "/" + strconv.FormatInt(d.Created.UnixMilli(), 10)
	d.Version = NewVersion()
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	d.KMSKey = cmp.Or(d.KMSKey, s.cfg.KMSKey)
	if err := s.removeDir(d.Name); err != nil { // what a deletion that was cut short has left
		return nil, err
	}
	if err := s.save(&d); err != nil {
		return nil, err
	}
	st := s.newStream(d)
	s.streams[d.Name] = st
	return st, nil
}

func (s *Store) newStream(d Description) *Stream {
	return &Stream{Name: d.Name, ARN: d.ARN, store: s, description: d, changed: make(chan struct{})}
}

// Stream returns the stream of a name, nil if there is none.
func (s *Store) Stream(name string) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[name]
}

// Deleting returns the stream of a name that is being deleted, nil if there is none.
func (s *Store) Deleting(name string) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	return s.deleting[name]
}

// Streams returns all streams, those that are being deleted included, by name.
func (s *Store) Streams() []*Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	all := slices.AppendSeq(slices.Collect(maps.Values(s.streams)), maps.Values(s.deleting))
	slices.SortFunc(all, func(a, b *Stream) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// forget drops the streams whose deletion has ended.
func (s *Store) forget() {
	now := s.cfg.Now()
	maps.DeleteFunc(s.deleting, func(_ string, st *Stream) bool { return now.Sub(st.deleted) >= s.cfg.Delete })
}

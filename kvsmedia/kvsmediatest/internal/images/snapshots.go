package images

import (
	"bytes"
	"errors"
	"image/jpeg"
	"slices"
	"sync"
	"time"
)

const (
	snapshotReach   = 10 * time.Second // for which a snapshot stands for what is shown
	maxSnapshotSize = 64_000_000       // bytes of all
)

// snapshot is what a source shows from a time on.
type snapshot struct {
	stream string
	at     time.Time // of the producer, in whole milliseconds as fragments have it
	jpeg   []byte
}

// snapshots are those of all streams, the newest of them. They are safe for concurrent use.
type snapshots struct {
	mu   sync.Mutex
	list []snapshot // as they came
	size int
}

// AddSnapshot adds a snapshot of a stream.
func (m *Maker) AddSnapshot(stream string, at time.Time, file []byte) error {
	if _, err := jpeg.DecodeConfig(bytes.NewReader(file)); err != nil {
		return err
	}
	if len(file) > maxSnapshotSize {
		return errors.New("it is larger than all snapshots together may be")
	}
	s := &m.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, snapshot{stream, at.Truncate(time.Millisecond), bytes.Clone(file)})
	s.size += len(file)
	for s.size > maxSnapshotSize {
		s.size -= len(s.list[0].jpeg)
		s.list = slices.Delete(s.list, 0, 1)
	}
	return nil
}

// at returns what a stream shows at a time of its producer, nil if that is not known.
func (s *snapshots) at(stream string, t time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *snapshot
	for i := range s.list {
		one := &s.list[i]
		if age := t.Sub(one.at); one.stream == stream && age >= 0 && age <= snapshotReach && (best == nil || !one.at.Before(best.at)) {
			best = one
		}
	}
	if best == nil {
		return nil
	}
	return best.jpeg
}

package kvsmediatest

import (
	"maps"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
)

// ErrorIDs returns the IDs of all error acknowledgements, ascending; that of
// MIN_FRAGMENT_DURATION_REACHED is Variants.MinDurationID.
func ErrorIDs() []int { return slices.Sorted(maps.Keys(ingest.Codes)) }

// Upload is one PutMedia connection. It is safe for concurrent use.
type Upload struct {
	connection *ingest.Connection
}

// Uploads returns the stream's PutMedia connections, oldest first.
func (s *Service) Uploads(stream string) []*Upload {
	st := s.store.Stream(stream)
	if st == nil {
		return nil
	}
	var list []*Upload
	for _, c := range s.ingest.Connections(st) {
		list = append(list, &Upload{c})
	}
	return list
}

// Drop ends the connection without a word.
func (u *Upload) Drop() { u.connection.Drop(ingest.ErrReset) }

// Fail ends the connection with the acknowledgement of an error.
func (u *Upload) Fail(id int) { u.connection.Fail(id) }

// Stall stops reading and acknowledging until Resume, or until the connection is
// dropped after Timing.Idle.
func (u *Upload) Stall() { u.connection.Stall() }

// Resume ends Stall.
func (u *Upload) Resume() { u.connection.Resume() }

// SlowAcks lets every further acknowledgement come d later.
func (u *Upload) SlowAcks(d time.Duration) { u.connection.SlowAcks(d) }

// Stream returns the name of the connection's stream.
func (u *Upload) Stream() string { return u.connection.Stream.Name }

package kvsmediatest

import (
	"io"
	"time"
)

// Fragment is a fragment that the service holds.
type Fragment struct {
	Number                   string
	Timecode                 uint64 // of the cluster, as it was sent
	ProducerTime, ServerTime time.Time
	Length                   time.Duration
	Size                     int64 // bytes of its document

	kept *fragment
}

// Document returns the fragment as Matroska: the producer's header, the cluster
// and its tags, byte for byte as they came.
func (f Fragment) Document() ([]byte, error) {
	file, err := f.kept.open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Fragments returns the fragments of a stream in the order of their arrival,
// those of the host buffer included.
func (s *Service) Fragments(stream string) []Fragment {
	s.mu.Lock()
	st := s.streams[stream]
	s.mu.Unlock()
	if st == nil {
		return nil
	}
	var list []Fragment
	for _, f := range s.held(st, false) {
		list = append(list, Fragment{f.number, f.timecode, f.producer, f.server, f.length, f.size(), f})
	}
	return list
}

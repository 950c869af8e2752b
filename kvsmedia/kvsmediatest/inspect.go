package kvsmediatest

import (
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Fragment is a fragment that the service holds.
type Fragment struct {
	Number                   string
	Timecode                 uint64 // of the cluster, as it was sent
	ProducerTime, ServerTime time.Time
	Length                   time.Duration
	Size                     int64 // bytes of its document

	kept *store.Fragment
}

// Document returns the fragment as Matroska: the producer's header, the cluster
// and its tags, byte for byte as they came.
func (f Fragment) Document() ([]byte, error) {
	file, err := f.kept.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Fragments returns the fragments of a stream in the order of their arrival,
// those of the host buffer included.
func (s *Service) Fragments(stream string) []Fragment {
	st := s.store.Stream(stream)
	if st == nil {
		return nil
	}
	var list []Fragment
	for _, f := range st.Fragments() {
		list = append(list, Fragment{f.Number, f.Timecode, f.Producer, f.Server, f.Length, f.Size(), f})
	}
	return list
}

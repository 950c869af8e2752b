package fragment

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Sample is one frame as it is kept: by reference.
type Sample struct {
	At    int64 // timestamp, ms since 1970
	Data  []byte
	Units [][]byte // the parts of Data to be sent, each behind its length; nil to send Data
	Lane  int
	Key   bool
}

// Cost is what keeping a frame costs, in bytes.
func (s *Sample) Cost() int { return len(s.Data) + SampleOverhead + unitOverhead*len(s.Units) }

// What keeping a frame costs besides its data, in bytes.
const (
	SampleOverhead = 96
	unitOverhead   = 24
)

// Description is what a session declares of its tracks. Fragments of another one
// need another session.
type Description struct {
	Lanes   []int        // in the order of their numbers in the stream, from 1 on
	Entries []*mkv.Track // of the lanes; their numbers are not set
}

// Number returns the number of a lane in the stream, 0 if it is not declared.
func (d *Description) Number(lane int) uint8 { return uint8(slices.Index(d.Lanes, lane) + 1) }

// Fragment is a cluster that is being collected or is not yet acknowledged.
type Fragment struct {
	Description *Description
	Start, End  int64 // timestamps of the first frame and of the latest, ms since 1970
	Before      int64 // the latest timestamp before it, less than those of all its frames
	Samples     []Sample
	Bytes       int    // with what keeping the frames costs
	Size        int64  // of the frames
	Key         bool   // it can be decoded without the fragment before it
	Complete    bool   // nothing is added any more
	Ends        bool   // and it is to be ended without waiting for the next one
	Tags        []byte // of a complete one

	// What became of it, for who sends it.
	Session  int       // number of the session that sends it, or sent it; 0 for none
	Sends    int       // how often its sending began
	Began    time.Time // to be sent
	Sent     time.Time // its last frame
	Ended    time.Time // what tells the service that it is whole
	Buffered bool      // acknowledged
	Received time.Time // acknowledged
	Refusals int       // for what is in it
	Refusal  int       // error ID of the last one
	Refused  error     // the service does not take it
}

// Whole returns a complete fragment of frames that were cut before, which begins with a
// key frame at start.
func Whole(d *Description, start int64, samples []Sample, tags []byte) *Fragment {
	f := &Fragment{Description: d, Start: start, End: start, Before: start - 1, Key: true, Complete: true, Tags: tags}
	for _, s := range samples {
		f.Before = min(f.Before, s.At-1)
		f.add(s)
	}
	f.Ends = f.End-f.Start < minFragment // ended, it may be short
	return f
}

// Time returns the fragment's producer timestamp.
func (f *Fragment) Time() time.Time { return time.UnixMilli(f.Start) }

// Duration returns how much media it has so far.
func (f *Fragment) Duration() time.Duration { return time.Duration(f.End-f.Start) * time.Millisecond }

// span returns how much media it stands for, in ms: from the frame before it on, unless
// that was very long ago.
func (f *Fragment) span() int64 {
	if f.Start-f.Before > longStep {
		return f.End - f.Start
	}
	return f.End - f.Before
}

// Begin notes that a session begins to send it.
func (f *Fragment) Begin(session int, now time.Time) {
	f.Session, f.Began, f.Sent, f.Ended = session, now, now, time.Time{}
	f.Sends++
}

// Release notes that the session has ended before it was acknowledged.
func (f *Fragment) Release() {
	f.Session, f.Buffered, f.Received = 0, false, time.Time{}
}

// Due returns since when an acknowledgement could come, zero if none is to come
// yet.
func (f *Fragment) Due() time.Time {
	switch {
	case !f.Received.IsZero():
		return f.Received
	case !f.Buffered:
		return f.Began
	}
	return f.Ended
}

// add adds a frame.
func (f *Fragment) add(s Sample) {
	f.Samples = append(f.Samples, s)
	f.End = max(f.End, s.At)
	f.Bytes += s.Cost()
	f.Size += int64(len(s.Data))
}

// lastOf returns the timestamp of a lane's last frame, or of the fragment's first.
func (f *Fragment) lastOf(lane int) int64 {
	for i := len(f.Samples) - 1; i >= 0; i-- {
		if f.Samples[i].Lane == lane {
			return f.Samples[i].At
		}
	}
	return f.Start
}

// shift moves all its timestamps.
func (f *Fragment) shift(ms int64) {
	f.Start, f.End, f.Before = f.Start+ms, f.End+ms, f.Before+ms
	for i := range f.Samples {
		f.Samples[i].At += ms
	}
}

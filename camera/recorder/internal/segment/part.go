package segment

import (
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Part is some clusters of a file. A clip is one Part or several, in the order of time.
type Part struct {
	File     storage.File // only read
	Content  *Content
	From, To int   // clusters, both included
	Base     int64 // wall clock of the file's first frame, ms since 1970; 0: unknown
}

// Reader returns a reader of the frames of parts, as one stream: PTS counts from the first
// frame on over all parts, by Base where that is known of both, otherwise without a gap. Time
// is Base and the time in the file, zero where Base is 0. A part's clusters that begin when
// or after the next part begins are left out: that has them again. Frames are rounded to
// ms. Errors come out of the Reader's Err.
func Reader(parts ...Part) *kvsmedia.Reader { panic("not yet") }

// Fragment is what goes up as one fragment.
type Fragment struct {
	From, To      int           // clusters of the file, both included
	Start, Length time.Duration // from the file's first frame
	Bytes         int64
	Key           bool // it begins with a key frame
}

// Fragments divides the part for the upload: each begins with a key frame and has at least one
// cluster, 1 s where possible, and at most 19 s and 40 MiB; a cluster beyond that is alone,
// and so is one that does not begin with a key frame. It needs no file. What it returned
// stays when clusters come to a file that is written; an end of less than 1 s is only then
// returned when ended is set.
func (p Part) Fragments(ended bool) []Fragment { panic("not yet") }

// MP4 returns the frames of parts as a fragmented MP4 file (ISO/IEC 14496-12), for players in
// browsers and on phones. The media is read on demand, a cluster's table of frames when its
// bytes are read, and nothing but the first cluster's at opening.
//
// While more clusters or parts may follow ended is false: the file is then the beginning of
// the one that a later call returns, byte by byte, so that range requests of a clip that
// grows go together. Once ended is set the file has another beginning, which tells its
// length and has an index for seeking (sidx): serve it under another ETag.
//
// Parts may differ in parameter sets. An ended file has a sample entry for each of them
// (ISO/IEC 14496-12, 8.5.2), and the frames have the sets in band, which is what browsers go by.
// A file that is not ended has those of the first part alone, and ends before a part
// with other tracks or codecs.
//
// Frames are as in Reader. The result is for one goroutine; it opens nothing, and ends with
// an error where a file has other bytes than Content says.
func MP4(ended bool, parts ...Part) (io.ReadSeeker, error) { panic("not yet") }

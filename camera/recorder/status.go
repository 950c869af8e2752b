package recorder

import (
	"errors"
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
)

// Storage is the state of the storage.
type Storage uint8

// The states of the storage. In all but StorageReady, StorageOther, StorageSlow and
// StorageForeign nothing is recorded; live view goes on, and Status.Losing says what is
// lost.
const (
	StorageReady    Storage = iota + 1
	StorageMissing          // no card is mounted: Dir lies on the root file system, or cannot be made or used: see Status.Err
	StorageOther            // another card than the one before; it is used. Until Erase, or until it is opened again
	StorageFull             // others leave no room, and no clip is left that may go
	StorageReadOnly         // the file system was mounted so, or became so after errors
	StorageFailing          // reading or writing fails (EIO)
	StorageGone             // the device is not there any more (ENODEV), or Dir was removed: that is made anew within 5 s
	StorageSlow             // writing is slower than recording, or a sync took more than 2 s: frames may get lost
	StorageStuck            // a write or sync has not returned for 10 s
	StorageForeign          // newer firmware has written here; that is left as it is
	StorageInUse            // another process records into Dir
)

// String returns the state's name, such as "read-only"; "unknown" before Run has looked.
func (s Storage) String() string { return card.State(s).String() }

// MarshalText returns what String does.
func (s Storage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Records reports whether clips are recorded in this state.
func (s Storage) Records() bool { return card.State(s).Records() }

// Errors of [Status.Source].
var (
	ErrNoFrames    = errors.New("recorder: no frame comes from the source though a clip is wanted: check the encoder")
	ErrOtherTracks = errors.New("recorder: the source's frames are of other tracks than Config.Tracks: give the very Tracks that the frames point to")
	ErrNoKeyFrame  = errors.New("recorder: no key frame has come for 30 s, nothing can be recorded: let the encoder make one every few seconds")
)

// Status is a recorder's state at one moment.
type Status struct {
	Storage Storage

	// Err is the last of the storage's troubles, nil while it is well.
	Err error

	// Source is why nothing can be recorded of the source, or nil: ErrNoFrames,
	// ErrOtherTracks or ErrNoKeyFrame. It stays until frames come again, which without
	// Continuous is seen at the next event.
	Source error

	// Losing tells that frames of a clip are being lost now, because of Storage or
	// Source; LostFrames and LostTime how much was lost since the recorder was made.
	Losing     bool
	LostFrames int
	LostTime   time.Duration `json:"-"` // see MarshalJSON

	Card       string // identity that the recorder gave the storage; empty while there is none
	Free, Used int64  // bytes that may still be written, and that clips, what is reserved for the next ones, and the journal take

	Clips     int    // on the device
	Recording ClipID // empty if none is being recorded

	Queued      int           // bytes that wait in memory to be written
	SlowestSync time.Duration `json:"-"` // within the last minute

	// Waiting is what is to be uploaded, Oldest the start of the first of it.
	Waiting      int // clips; with Config.UploadAll files of the recording
	WaitingBytes int64
	Oldest       time.Time
	Upload       error // why the Uploader gave up, until it is tried again; without network it only waits: see kvsmedia.Producer.Stats

	Unpublished int // changes that Publish has not taken yet

	Pictures   int   // that are yet to be put into the cloud
	PutPicture error // why the last attempt to put one failed; nil once one succeeds
	Foreign    int   // files of newer firmware, left alone
}

// Status returns the recorder's state.
func (r *Recorder) Status() Status {
	h, q := r.drive.Health.Status(), r.queue.Stats()
	s := Status{Storage: Storage(h.State), Err: h.Err, Card: h.Card, Free: h.Free, Foreign: h.Foreign, SlowestSync: h.SlowestSync}
	s.LostFrames, s.LostTime, s.Queued = q.Lost.Frames, q.Lost.Time, q.Bytes
	r.mu.Lock()
	s.Source = r.source
	recording := r.roll.Wanted()
	r.mu.Unlock()
	if q.Losing && s.Storage.Records() {
		s.Storage = StorageSlow
	}
	s.Losing = q.Losing || recording && (s.Source != nil || !s.Storage.Records())
	if c := r.drive.Card(); c != nil {
		s.fill(c.Cat, r.cfg.UploadAll)
	}
	s.Upload, s.PutPicture = r.uploads.Trouble(), r.puts.trouble()
	return s
}

// fill puts what is on the card into the status; all says that more than clips is uploaded.
func (s *Status) fill(cat *catalog.Catalog, all bool) {
	s.Used = cat.Used()
	s.Unpublished = len(cat.Pending(math.MaxInt))
	s.Pictures = len(cat.Waiting())
	if all {
		var oldest int64
		s.Waiting, s.WaitingBytes, oldest = cat.Backlog()
		s.Oldest = wallTime(oldest)
	}
	for cl := range cat.Clips() {
		if cl.Gone && cl.Ended {
			continue
		}
		s.Clips++
		if !cl.Ended && s.Recording == "" {
			s.Recording = ClipID(cl.ID.String())
		}
		if cl.Waiting > 0 && !all {
			s.Waiting++
			s.WaitingBytes += cl.Bytes - cl.Sent - cl.Refused
			if cl.Start != 0 {
				s.Oldest = wallTime(cl.Start)
			}
		}
	}
}

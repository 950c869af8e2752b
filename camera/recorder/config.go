package recorder

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Defaults and bounds of [Config].
const (
	defaultPreRoll   = 5 * time.Second
	defaultPostRoll  = 10 * time.Second
	defaultLongest   = 2 * time.Minute
	defaultQueue     = 8 << 20
	leastQueue       = 256 << 10
	mostRoll         = 10 * time.Minute
	shortestLongest  = 5 * time.Second
	longestLongest   = time.Hour
	leastBudget      = 32 << 20
	leastBacklogRate = 10_000
	maxFolder        = 250 // a tag has 256 bytes: see imagePrefix
	maxTracks        = 3   // of a stream ("Amazon Kinesis Video Streams service quotas"), and of a file
)

// Source is where frames come from. *camera.Camera is one.
//
// Frames yields the frames of all tracks in the order in which they were encoded, from
// a key frame that is preRoll before the call, or as far back as the source reaches, until
// ctx ends. With Config.Continuous the recorder ranges over it all the time, otherwise
// while a clip is recorded.
type Source interface {
	Frames(ctx context.Context, preRoll time.Duration) iter.Seq[kvsmedia.Frame]
}

// Uploader takes clips to the cloud. *kvsmedia.Producer is one; it can serve one
// recorder alone, and no Upload beside it.
type Uploader interface {
	UploadStored(ctx context.Context, fragments iter.Seq[kvsmedia.Stored]) iter.Seq2[kvsmedia.Receipt, error]
}

// Config says what a [Recorder] records, where to, and what becomes of it. Dir, Source
// and Tracks are required; every other zero field has the default that it documents.
// New copies it.
type Config struct {
	// Dir is the directory that clips are kept in, usually on a card. What is above it
	// has to exist. It belongs to one recorder of one process at a time.
	Dir string

	// OnRoot says that Dir may lie on the root file system, as in a device without a
	// card. By default that means that the card is missing ([StorageMissing]): recording
	// into the directory where it should be mounted would fill the system's own storage.
	OnRoot bool

	// Source is where frames come from, usually the *camera.Camera.
	Source Source

	// Tracks are the source's tracks to record, at most three, of the picture one or
	// none. Frames point to these very tracks.
	Tracks []*kvsmedia.Track

	// PreRoll is how much a clip has of before its event, as far as the source reaches
	// (camera.Config.PreRoll), and PostRoll of after its last one. Clips begin and end
	// at key frames, so both can be longer by a GOP. Zero means 5 and 10 seconds; a
	// negative PreRoll means none.
	PreRoll, PostRoll time.Duration

	// LongestClip is the length at which a clip ends though its events go on; the next
	// one follows without a gap. Zero means 2 minutes.
	LongestClip time.Duration

	// Continuous records all the time. A clip is then a range of the recording, not a
	// copy.
	Continuous bool

	// MaxBytes is how much of the storage the recorder uses; beyond it the oldest clips
	// go: see the package's manual. What is being recorded stays: a file with Continuous, of
	// at most 256 MiB or an eighth of MaxBytes, otherwise the clip. An eighth, and at most
	// 64 MiB, is for what is known of clips. Zero means nine tenths of the file system. The
	// least is 32 MiB.
	MaxBytes int64

	// MaxAge is how long clips are kept. Zero means no limit. It is judged by a clock
	// that went for an hour without being set.
	MaxAge time.Duration

	// QueueBytes bounds the frames that wait in memory while the storage is slow; pictures
	// of events may have half as much besides. Zero means 8 MiB, the least is 256 KiB.
	QueueBytes int

	// Uploader takes clips to the cloud; nil keeps everything on the device. A track that a
	// *kvsmedia.Producer does not have (such as Opus, which streams do not take) is on the
	// device alone: clips count as uploaded without it, and Run warns of that.
	Uploader Uploader

	// UploadAll has everything uploaded that Continuous records, not clips alone.
	UploadAll bool

	// Backlog is the order in which clips are uploaded that are no longer recorded, and in
	// which pictures are put. The zero value is NewestFirst.
	Backlog Order

	// BacklogRate is how fast they are uploaded, in bit/s. Zero means twice the bitrate
	// of what is recorded. The clip that is being recorded is not held back.
	BacklogRate int

	// Publish hands on what becomes of clips, such as to AWS IoT Core. It returns nil once
	// the change is safe there; until then it is called again with the same one, after 1 s
	// to a minute, also after a restart. One call runs at a time, in the order of the
	// changes. It should return when its context ends.
	Publish func(context.Context, Change) error

	// PutPicture puts the picture of an event under a key into the cloud; [S3] makes such a
	// function. It returns nil once the picture is safe there, also if it was there already.
	// Until then it is called again, after 1 s to a minute, also after a restart; after a
	// refusal that is not the network's after a minute. A picture that comes meanwhile is tried
	// at once. One call runs at a time, for the newest picture first, or the oldest with
	// OldestFirst, and none holds up the others. It should return when its context ends, as it
	// does also when the clip is deleted. Nil leaves pictures on the device.
	PutPicture func(ctx context.Context, key string, jpeg []byte) error

	// PictureFolder is what keys of pictures begin with, usually the name of the thing, as
	// its role may put pictures there alone: the key is PictureFolder/EVENT.jpg. It is
	// required with PutPicture. Letters, digits and !_.*'()-=@+,: in at most 250 bytes are
	// allowed, with slashes between names other than . and .. The images that the service makes of tagged
	// fragments (see the package's manual) have keys that begin with PictureFolder/image.
	PictureFolder string

	// Now is a clock that can be trusted, such as iotcreds.Provider.Now; it returns the
	// zero Time while the time is not known. Nil means time.Now, not trusted before 2024.
	Now func() time.Time

	// Logger gets the recorder's story. Nil means slog.Default.
	Logger *slog.Logger

	fs func() (storage.FS, error) // of tests
}

// imagePrefix is what keys of the images begin with that the service makes.
func (c *Config) imagePrefix() string {
	if c.PictureFolder == "" {
		return ""
	}
	return c.PictureFolder + "/image"
}

// pictureFolder has characters that need no care in a key ("Creating object key names") nor
// in JSON.
var pictureFolder = regexp.MustCompile(`^([A-Za-z0-9!_.*'()=@+,:-]+(/[A-Za-z0-9!_.*'()=@+,:-]+)*)?$`)

// unsent returns the tracks that the Uploader leaves out, as far as it says which it takes: as
// kvsmedia.Producer.UploadStored knows them again.
func (c *Config) unsent() (list []*kvsmedia.Track) {
	u, ok := c.Uploader.(interface{ Tracks() []*kvsmedia.Track })
	if !ok {
		return nil
	}
	for _, t := range c.Tracks {
		if !slices.ContainsFunc(u.Tracks(), func(p *kvsmedia.Track) bool {
			return p.Codec == t.Codec && (p.Name == t.Name || p.Name == "" || t.Name == "")
		}) {
			list = append(list, t)
		}
	}
	return list
}

// Order is the order in which the backlog is uploaded.
type Order uint8

// The orders.
const (
	NewestFirst Order = iota
	OldestFirst
)

// validated returns a copy of c with its defaults set.
func (c Config) validated() (Config, error) {
	wrong := func(field, format string, args ...any) (Config, error) {
		return c, fmt.Errorf("recorder: Config.%s %s", field, fmt.Sprintf(format, args...))
	}
	if c.Dir == "" && c.fs == nil {
		return wrong("Dir", "is empty: name the directory that clips are kept in")
	}
	if c.Source == nil {
		return wrong("Source", "is nil: give the camera")
	}
	if err := checkTracks(c.Tracks); err != nil {
		return wrong("Tracks", "%v", err)
	}
	setDefaults(&c)
	switch {
	case c.PreRoll > mostRoll:
		return wrong("PreRoll", "is %v: allowed are up to %v", c.PreRoll, mostRoll)
	case c.PostRoll < 0 || c.PostRoll > mostRoll:
		return wrong("PostRoll", "is %v: allowed are up to %v", c.PostRoll, mostRoll)
	case c.LongestClip < shortestLongest || c.LongestClip > longestLongest:
		return wrong("LongestClip", "is %v: allowed are %v to %v", c.LongestClip, shortestLongest, longestLongest)
	case c.MaxBytes != 0 && c.MaxBytes < leastBudget:
		return wrong("MaxBytes", "is %d: the least is %d", c.MaxBytes, leastBudget)
	case c.MaxAge < 0:
		return wrong("MaxAge", "is %v: give a positive time", c.MaxAge)
	case c.QueueBytes < leastQueue:
		return wrong("QueueBytes", "is %d: the least is %d", c.QueueBytes, leastQueue)
	case c.UploadAll && !c.Continuous:
		return wrong("UploadAll", "needs Continuous: without it clips are all that there is")
	case c.UploadAll && c.Uploader == nil:
		return wrong("UploadAll", "needs an Uploader")
	case c.Backlog > OldestFirst:
		return wrong("Backlog", "is %d, want NewestFirst or OldestFirst", c.Backlog)
	case c.PutPicture != nil && c.PictureFolder == "":
		return wrong("PictureFolder", "is empty: name what keys of pictures begin with, such as the thing")
	case !pictureFolder.MatchString(c.PictureFolder) || len(c.PictureFolder) > maxFolder || path.Join("/", c.PictureFolder) != "/"+c.PictureFolder:
		return wrong("PictureFolder", "is %.300q: allowed are at most %d letters, digits and !_.*'()-=@+,: with slashes between names, which are not . or ..", c.PictureFolder, maxFolder)
	case c.BacklogRate != 0 && c.BacklogRate < leastBacklogRate:
		return wrong("BacklogRate", "is %d bit/s: the least is %d", c.BacklogRate, leastBacklogRate)
	}
	c.Tracks = slices.Clone(c.Tracks)
	return c, nil
}

func setDefaults(c *Config) {
	if c.PreRoll == 0 {
		c.PreRoll = defaultPreRoll
	}
	c.PreRoll = max(c.PreRoll, 0)
	if c.PostRoll == 0 {
		c.PostRoll = defaultPostRoll
	}
	if c.LongestClip == 0 {
		c.LongestClip = defaultLongest
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = defaultQueue
	}
	if c.Now == nil {
		c.Now = systemClock
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// clockSet is a time that a clock which was never set does not show.
var clockSet = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func systemClock() time.Time {
	if now := time.Now(); now.After(clockSet) {
		return now
	}
	return time.Time{}
}

func checkTracks(tracks []*kvsmedia.Track) error {
	if len(tracks) == 0 || len(tracks) > maxTracks {
		return fmt.Errorf("has %d tracks: allowed are 1 to %d", len(tracks), maxTracks)
	}
	pictures := 0
	for i, t := range tracks {
		if t == nil {
			return fmt.Errorf("has a nil track at %d", i)
		}
		if slices.Index(tracks, t) < i {
			return fmt.Errorf("names track %q twice", t.Name)
		}
		if t.Codec.Video() {
			pictures++
		}
	}
	if pictures > 1 {
		return errors.New("has more than one rendition of the picture: name the one to keep")
	}
	return nil
}

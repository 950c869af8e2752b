package clips

import (
	"bytes"
	_ "embed" // the film
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Film is a clip of which it is known what is to be seen when.
type Film struct {
	*Clip

	Visitor Span // somebody is in the picture; far away in the first and last five seconds
	AtDoor  Span // the visitor stands at the door
	Lamp    Span // a lamp is on

	snapshots [][]byte // one a second
}

// Span is a stretch of a film: from its first picture to behind its last one.
type Span struct{ From, To time.Duration }

// Snapshot returns the picture of a media time as JPEG, 320 x 180, to the second: the
// picture is that of at.Truncate(time.Second). After Length the film begins anew. The data
// is shared and must not be changed.
func (f *Film) Snapshot(at time.Duration) []byte {
	return f.snapshots[int(at%f.Length/time.Second)]
}

// Visited reports whether the visitor is in the picture of a media time. After Length the
// film begins anew.
func (f *Film) Visited(at time.Duration) bool {
	at %= f.Length
	return at >= f.Visitor.From && at < f.Visitor.To
}

const porchTime = time.Minute

var (
	//go:embed porch.mkv
	porchFile []byte
	//go:embed porch.jpegs
	porchPictures []byte
	//go:embed porch-night.mkv
	porchNightFile []byte
	//go:embed porch-night.jpegs
	porchNightPictures []byte

	porch      = sync.OnceValue(func() *Film { return film(load(porchFile, porchTime, "main"), porchPictures) })
	porchNight = sync.OnceValue(func() *Film {
		return film(as(load(porchNightFile, porchTime, "main"), Porch().Tracks[0]), porchNightPictures)
	})
)

// film returns the front door's film of a picture and its snapshots, one behind the other.
func film(picture *Clip, snapshots []byte) *Film {
	sound := street()
	f := &Film{Clip: Merge(picture, again(sound, int(porchTime/sound.Length))),
		Visitor: Span{245 * time.Second / 15, 791 * time.Second / 15}, AtDoor: Span{31 * time.Second, 38 * time.Second},
		Lamp: Span{8 * time.Second, 56 * time.Second}}
	begin := []byte{0xff, 0xd8, 0xff} // SOI and the first marker: nowhere else in a JPEG
	for _, p := range bytes.Split(snapshots, begin)[1:] {
		f.snapshots = append(f.snapshots, slices.Concat(begin, p))
	}
	return f
}

// Porch returns a minute before a front door, on a calm day: nothing moves but a
// clock, a lamp is switched on, somebody comes in from the street, stands at the door and
// leaves, the lamp is switched off. Its tracks are as those of [Day].
func Porch() *Film { return porch() }

// PorchNight returns [Porch] by night. Its tracks are those of Porch, its frames correspond
// to Porch's one by one, and its parameter sets are the same, so that a camera can change
// from one to the other at any key frame. Where nothing moves, frames between key frames
// are the same too.
func PorchNight() *Film { return porchNight() }

// again returns a clip n times in a row.
func again(c *Clip, n int) *Clip {
	out := &Clip{Tracks: c.Tracks, Length: time.Duration(n) * c.Length, Frames: make([]kvsmedia.Frame, 0, n*len(c.Frames))}
	for i := range n {
		for _, f := range c.Frames {
			f.PTS += time.Duration(i) * c.Length
			out.Frames = append(out.Frames, f)
		}
	}
	return out
}

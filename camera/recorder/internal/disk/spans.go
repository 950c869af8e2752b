package disk

import (
	"errors"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
)

// spans are the clips of a recording of all the time: where they begin and end in its
// files.
type spans struct {
	clips []*span
	gaps  []gap // the latest, which clips may reach back over
}

// gap is where frames of the recording were lost.
type gap struct {
	before time.Duration // PTS of the frame that came then
	frames int
}

const maxGaps = 64

// span is a clip whose end is not on the card.
type span struct {
	clip        roll.ID
	begun, over bool // from and until are known
	from, until time.Duration
	reason      string
}

func (s *spans) begin(clip roll.ID) { s.clips = append(s.clips, &span{clip: clip}) }

func (s *spans) find(clip roll.ID) *span {
	for _, sp := range s.clips {
		if sp.clip == clip {
			return sp
		}
	}
	return &span{} // it was deleted
}

func (s *spans) from(d *Disk, clip roll.ID, pts time.Duration) {
	sp := s.find(clip)
	sp.begun, sp.from = true, pts
	for _, g := range s.gaps {
		if g.before > pts {
			d.lose(sp.clip, g.frames)
		}
	}
}

// lose notes a gap in the clips that are being recorded, and for those to come.
func (s *spans) lose(d *Disk, g gap) {
	if s.gaps = append(s.gaps, g); len(s.gaps) > maxGaps {
		s.gaps = s.gaps[1:]
	}
	for _, sp := range s.clips {
		if sp.begun && !sp.over {
			d.lose(sp.clip, g.frames)
		}
	}
}

func (s *spans) until(clip roll.ID, from, until time.Duration, reason string) {
	sp := s.find(clip)
	sp.begun, sp.over, sp.from, sp.until, sp.reason = true, true, from, until, reason
}

// settle brings the clips to what is committed, and ends those that are; with all, every
// one that is over.
func (s *spans) settle(d *Disk, all bool) {
	if len(s.clips) == 0 {
		return
	}
	files := d.files
	if o := &d.out; o.w != nil {
		files = append(files[:len(files):len(files)], recorded{o.seq, o.clip, o.first, o.up, o.w.Content()})
	}
	for _, sp := range s.clips {
		ends := sp.over && (all || sp.covered(d, files))
		if sp.begun {
			sp.reach(d, files, ends)
		}
		if _, ended := d.ends[sp.clip]; ends && !ended {
			d.finishClip(sp.clip, sp.reason)
		}
	}
}

// covered reports whether everything of the clip is committed.
func (sp *span) covered(d *Disk, files []recorded) bool {
	if d.out.w == nil {
		return len(d.carry) == 0
	}
	f := files[len(files)-1]
	n := len(f.content.Clusters)
	return n > 0 && sp.past(f.first+f.content.Clusters[n-1].Start)
}

// past reports whether what begins at a PTS is after the clip. Files count in ms.
func (sp *span) past(pts time.Duration) bool { return sp.over && pts > sp.until-time.Millisecond }

// reach writes down which clusters the clip has; ends says that these are all.
func (sp *span) reach(d *Disk, files []recorded, ends bool) {
	for _, f := range files {
		n, _ := whole(f.content)
		// After a power loss it has what is committed, written down or not.
		s := catalog.Span{File: f.seq, Last: -1, Growing: !sp.over && d.out.w != nil && f.seq == d.out.seq}
		for i, c := range f.content.Clusters[:n] {
			at := f.first + c.Start
			if at <= sp.from-time.Millisecond || sp.past(at) {
				continue
			}
			if s.Last < 0 {
				s.First, s.Start = int32(i), c.Start
			}
			s.Last, s.End, s.Bytes = int32(i), c.End, s.Bytes+c.Bytes
		}
		if s.Last >= 0 {
			err := d.c.Cat.SetSpan(d.id(sp.clip), s)
			if errors.Is(err, catalog.ErrFull) { // what follows is another clip
				sp.from = f.first + s.Start
				d.continued(sp.clip)
				err = d.c.Cat.SetSpan(d.id(sp.clip), s)
			}
			d.note(err)
			d.cfg.Uploads.Spanned(d.c, d.id(sp.clip), f.content, s, ends || f.seq != d.out.seq)
		}
	}
}

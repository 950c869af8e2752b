package segment

import (
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Part is some clusters of a file. A clip is one Part or several, in the order of time.
type Part struct {
	File     storage.File // only read
	Content  *Content
	From, To int   // clusters, both included
	Base     int64 // wall clock of the file's first frame, ms since 1970; 0: unknown
	Follows  bool  // it begins where the part before ends, whatever their Base
}

func (p *Part) first() Cluster       { return p.Content.Clusters[p.From] }
func (p *Part) last() Cluster        { return p.Content.Clusters[p.To] }
func (p *Part) clusters() []Cluster  { return p.Content.Clusters[p.From : p.To+1] }
func (p *Part) start() time.Duration { return p.wall() + p.first().Start }

// wall returns Base on a scale of its own.
func (p *Part) wall() time.Duration { return ms(p.Base) }

const maxBase = 1 << 43 // ms since 1970: the year 2248

// placed is a Part with its place in a sequence of them.
type placed struct {
	Part
	shift time.Duration // from times in the file to those in the sequence, which begins at 0
}

// longestGap is how far parts of a clip can be apart: what is further is a clock that was set.
const longestGap = time.Hour

// place gives parts their places: by Base where that is known of two that come one after another
// within longestGap and the second does not follow, otherwise one begins where the one before ends. Clusters that the next part has again
// are left out.
func place(parts []Part) ([]placed, error) {
	var out []placed
	for i, p := range parts {
		if p.Content == nil || p.File == nil || p.From < 0 || p.From > p.To || p.To >= len(p.Content.Clusters) || p.Base < 0 || p.Base > maxBase {
			return nil, fmt.Errorf("segment: part %d is of clusters that its file does not have", i+1)
		}
		if n := len(out); n > 0 && p.repeats(&out[n-1]) {
			out = out[:n-1]
		}
		next := placed{p, p.Content.list[p.Content.lead()].CodecDelay.Round(time.Millisecond) - p.first().Start}
		if len(out) > 0 {
			before := &out[len(out)-1]
			next.shift = before.shift + before.last().End - p.first().Start
			if p.Base > 0 && before.Base > 0 && !p.Follows {
				by := before.shift + p.wall() - before.wall()
				if by+p.first().Start > before.shift+before.last().Start && by <= next.shift+longestGap {
					next.shift = by
				}
			}
		}
		out = append(out, next)
	}
	if len(out) == 0 {
		return nil, errors.New("segment: of no parts")
	}
	return out, nil
}

// repeats cuts the part before where this one has its clusters again, and reports whether it has
// all of them.
func (p *Part) repeats(before *placed) bool {
	if p.Base == 0 || before.Base == 0 || p.start() < before.start() {
		return false
	}
	for before.To > before.From && before.wall()+before.last().Start >= p.start() {
		before.To--
	}
	return p.start() == before.start() && p.wall()+p.last().End >= before.wall()+before.last().End
}

// Fragment is what goes up as one fragment.
type Fragment struct {
	From, To      int           // clusters of the file, both included
	Start, Length time.Duration // from the file's first frame
	Bytes         int64
	Key           bool // it begins with a key frame
}

// Bounds of a fragment ("Amazon Kinesis Video Streams service quotas": 1 to 20 s, 50 MB).
const (
	shortest   = time.Second
	longestOne = 19 * time.Second
	largest    = 40 << 20
)

// Fragments divides the part for the upload: each begins with a key frame and has at least one
// cluster, 1 s where possible, and at most 19 s and 40 MiB; a cluster beyond that is alone,
// and so is one that does not begin with a key frame. It needs no file. What it returned
// stays when clusters come to a file that is written; an end of less than 1 s is only then
// returned when ended is set.
func (p Part) Fragments(ended bool) (list []Fragment) {
	var at *Fragment
	for i, c := range p.clusters() {
		k := Fragment{From: p.From + i, To: p.From + i, Start: c.Start, Length: c.End - c.Start, Bytes: c.Bytes, Key: c.Key}
		if i+1 <= p.To-p.From { // until the next one begins
			k.Length = max(k.Length, p.Content.Clusters[k.To+1].Start-c.Start)
		}
		joins := at != nil && at.Length < shortest && k.Key && at.Key &&
			k.Start+k.Length-at.Start <= longestOne && at.Bytes+k.Bytes <= largest
		if !joins {
			list = append(list, k)
			at = &list[len(list)-1]
			continue
		}
		at.To, at.Bytes, at.Length = k.To, at.Bytes+k.Bytes, k.Start+k.Length-at.Start
	}
	if at != nil && at.Length < shortest && !ended {
		list = list[:len(list)-1]
	}
	return list
}

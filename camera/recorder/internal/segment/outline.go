package segment

import "github.com/smartcam-sdk/smartcam/internal/mkv"

// kind is what an element is to us.
type kind uint8

const (
	other   kind = iota // to be skipped
	cluster             // the head of a cluster with its timestamp
	frame               // a SimpleBlock
	void
)

// element is the beginning of an element.
type element struct {
	kind kind
	id   uint32
	head int   // bytes up to the contents, of a frame up to its data
	size int64 // of the contents, of a frame its data; 0 of a cluster and the segment

	ms     int64 // cluster: its timestamp; frame: relative to that
	number uint8 // of the frame's track
	key    bool
}

const (
	elementHead = 32      // bytes that are enough for parse
	maxTime     = 1 << 30 // ms, of a file: 12 days
)

// parse reads the beginning of an element out of the first elementHead bytes of what is left of a
// file, and reports false where none is that stands in files of ours.
func parse(b []byte) (e element, ok bool) {
	h, ok := mkv.ParseHead(b)
	if !ok {
		return e, false
	}
	e.id, e.head, e.size = h.ID, h.Len, h.Size
	switch h.ID {
	case mkv.IDCluster:
		at, ok := mkv.ParseHead(b[h.Len:])
		n := h.Len + at.Len
		if !ok || h.Size >= 0 || at.ID != mkv.IDTimestamp || at.Size < 1 || at.Size > 8 || int64(n)+at.Size > int64(len(b)) {
			return e, false
		}
		for _, x := range b[n : n+int(at.Size)] {
			if e.ms = e.ms<<8 | int64(x); e.ms > maxTime {
				return e, false
			}
		}
		e.kind, e.head, e.size = cluster, n+int(at.Size), 0
	case mkv.IDSimpleBlock:
		number, relative, key, n, ok := mkv.ParseBlock(b[h.Len:])
		if !ok || h.Size <= int64(n) || h.Size > mkv.MaxBlock {
			return e, false
		}
		e.kind, e.head, e.size = frame, h.Len+n, h.Size-int64(n)
		e.number, e.ms, e.key = number, int64(relative), key
	case mkv.IDSegment:
		e.size = max(h.Size, 0)
		return e, h.Size < 0
	case mkv.IDVoid:
		e.kind = void
	}
	return e, e.size >= 0
}

// outline is the clusters of a file, made of its elements one after another.
type outline struct {
	lead    int        // index of the leading track
	numbers [128]uint8 // of tracks: their index and 1

	ended []Cluster // grows only
	open  Cluster
	has   bool // open is one

	cluster int64 // timestamp of open, ms
	latest  [2]int64
	leads   int // frames of the leading track in open
}

// take takes the element at an offset of the file. It reports when a frame is shown, in ms
// from the file's first one.
func (o *outline) take(e *element, at int64) (shown int64, ok bool) {
	switch e.kind {
	case cluster:
		o.end(at)
		o.open = Cluster{Offset: at, Start: ms(e.ms), End: ms(e.ms)}
		o.has, o.cluster, o.leads = true, e.ms, 0
		return e.ms, len(o.ended) < maxClusters
	case frame:
		i := int(o.numbers[e.number]) - 1
		if i < 0 || !o.has {
			return 0, false
		}
		shown = o.cluster + e.ms
		o.open.Frames++
		o.open.Media += e.size
		o.open.Tracks |= 1 << i
		if i == o.lead {
			o.leading(e, shown)
		}
	default:
	}
	return shown, true
}

// leading takes a frame of the leading track. The last one is taken to be shown as long as the
// one before it.
func (o *outline) leading(e *element, shown int64) {
	if o.leads++; o.leads == 1 {
		o.open.Key = e.key && o.open.Frames == 1
		o.latest = [2]int64{shown, shown}
	}
	if l := &o.latest; shown > l[0] {
		l[0], l[1] = shown, l[0]
	} else if shown < l[0] && (shown > l[1] || l[0] == l[1]) {
		l[1] = shown
	}
	o.open.End = ms(2*o.latest[0] - o.latest[1])
}

// end ends the cluster before an offset.
func (o *outline) end(at int64) {
	if o.has {
		o.open.Bytes = at - o.open.Offset
		o.ended = append(o.ended, o.open)
	}
	o.has = false
}

// clusters returns those before an offset, and whether the last one goes on. When the outline is
// of a state later than at, open is what the last cluster was then.
func clusters(ended []Cluster, open Cluster, at int64) []Cluster {
	if open.Offset == 0 || open.Offset >= at {
		return ended
	}
	open.Bytes = at - open.Offset
	return append(ended[:len(ended):len(ended)], open)
}

// number sets the tracks' numbers, and which one leads.
func (o *outline) number(list mkv.Tracks) bool {
	if len(list) == 0 || len(list) > maxTracks {
		return false
	}
	o.lead = 0
	for i, t := range list {
		if t.Number < 1 || t.Number > 126 || o.numbers[t.Number] != 0 {
			return false
		}
		o.numbers[t.Number] = uint8(i + 1)
		if t.Type == mkv.VideoTrack && list[o.lead].Type != mkv.VideoTrack {
			o.lead = i
		}
	}
	return true
}

const maxTracks = 8 // bits of Cluster.Tracks

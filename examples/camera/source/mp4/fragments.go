package mp4

import "fmt"

// defaults are what the samples of a track's fragments have unless told otherwise.
type defaults struct {
	description, duration, size, flags uint32
}

// nonSync is sample_is_non_sync_sample, ISO/IEC 14496-12, 8.8.3.1.
const nonSync = 0x10000

// trex reads the defaults of one track.
func (f *File) trex(kind string, body []byte) error {
	c := &cursor{b: body}
	c.full()
	if id := c.u32(); kind == "trex" && len(f.fragments) < maxTracks {
		f.fragments[id] = defaults{c.u32(), c.u32(), c.u32(), c.u32()}
	}
	return nil
}

// track returns the track with an ID, nil if it is none of ours.
func (f *File) track(id uint32) *track {
	for _, t := range f.tracks {
		if t.id == id {
			return t
		}
	}
	return nil
}

// fragment reads a moof box that begins at an offset of the file.
func (f *File) fragment(moof []byte, at int64) error {
	end := at // of the data of the track fragment before
	return boxes(moof, func(kind string, traf []byte) (err error) {
		if kind == "traf" {
			end, err = f.traf(traf, at, end)
		}
		return err
	})
}

// traf reads a track fragment, 8.8.6 to 8.8.8. Its data is counted from a place in
// the file, by default from the moof box in the first track fragment and from
// the end of the data in those that follow.
func (f *File) traf(traf []byte, moof, place int64) (end int64, err error) {
	var t *track
	var now defaults
	end = place
	err = boxes(traf, func(kind string, body []byte) error {
		c := &cursor{b: body}
		version, flags := c.full()
		switch {
		case kind == "tfhd":
			id := c.u32()
			if t = f.track(id); t == nil {
				t = &track{} // left out, but what follows its data is counted from there
			}
			now = f.fragments[id]
			if flags&0x20000 != 0 {
				place = moof
			}
			for _, field := range []struct {
				flag uint32
				set  func()
			}{
				{0x1, func() { place = int64(c.u64()) }},
				{0x2, func() { now.description = c.u32() }},
				{0x8, func() { now.duration = c.u32() }},
				{0x10, func() { now.size = c.u32() }},
				{0x20, func() { now.flags = c.u32() }},
			} {
				if flags&field.flag != 0 {
					field.set()
				}
			}
			end = place
		case t == nil:
		case kind == "tfdt":
			t.end = int64(c.number(version == 1))
		case kind == "trun":
			n := int64(c.u32())
			if flags&0x1 != 0 {
				end = place + int64(int32(c.u32()))
			}
			end, err = f.trun(t, c, flags, now, n, end)
			return err
		}
		if c.short {
			return errDamaged
		}
		return nil
	})
	return end, err
}

// trun appends the samples of a run to the track.
func (f *File) trun(t *track, c *cursor, flags uint32, now defaults, n, offset int64) (end int64, err error) {
	if f.samples += int(min(n, maxSamples+1)); f.samples > maxSamples {
		return 0, fmt.Errorf("it has more than %d frames", maxSamples)
	}
	first := now.flags
	if flags&0x4 != 0 {
		first = c.u32()
	}
	description := int64(now.description) - 1
	if t.media != nil && (description < 0 || description >= int64(len(t.descriptions))) || offset < 0 {
		return 0, errDamaged
	}
	for i := range n {
		s := sample{offset: offset, dts: t.end, size: now.size, description: uint16(description)}
		duration, sampleFlags := now.duration, now.flags
		if i == 0 {
			sampleFlags = first
		}
		if flags&0x100 != 0 {
			duration = c.u32()
		}
		if flags&0x200 != 0 {
			s.size = c.u32()
		}
		if flags&0x400 != 0 {
			sampleFlags = c.u32()
		}
		if flags&0x800 != 0 {
			s.delay = int32(c.u32())
		}
		if c.short || s.size > maxFrame || t.end < 0 || t.end > 1<<60 {
			return 0, errDamaged
		}
		s.key = sampleFlags&nonSync == 0
		t.end += int64(duration)
		offset += int64(s.size)
		if t.media != nil {
			t.samples = append(t.samples, s)
		}
	}
	return offset, nil
}

package mp4

import "fmt"

// locate fills in the samples from the boxes of the sample table.
func (t *track) locate(found map[string][]byte, limit int) error {
	c := &cursor{b: found["stsz"]}
	c.full()
	uniform, count := c.u32(), int64(c.u32())
	if uniform == 0 && count*4 > int64(len(c.b)) {
		return errDamaged
	}
	if count > int64(limit) {
		return fmt.Errorf("the file has more than %d frames", maxSamples)
	}
	t.samples = make([]sample, count)
	for i := range t.samples {
		s := &t.samples[i]
		if s.size = uniform; uniform == 0 {
			s.size = c.u32()
		}
		if s.size > maxFrame {
			return fmt.Errorf("a frame of it has %d bytes; at most %d are read", s.size, maxFrame)
		}
	}
	t.times(found["stts"], found["ctts"])
	t.keys(found["stss"])
	return t.chunks(found)
}

func (t *track) times(stts, ctts []byte) {
	i := 0
	c, n := table(stts, 8)
	for range n {
		run, delta := c.u32(), int64(c.u32())
		for ; run > 0 && i < len(t.samples); run-- {
			t.samples[i].dts = t.end
			t.end += delta
			i++
		}
	}
	i = 0
	c, n = table(ctts, 8)
	for range n {
		run, delay := c.u32(), int32(c.u32())
		for ; run > 0 && i < len(t.samples); run-- {
			t.samples[i].delay = delay
			i++
		}
	}
}

func (t *track) keys(stss []byte) {
	for i := range t.samples {
		t.samples[i].key = stss == nil
	}
	c, n := table(stss, 4)
	for range n {
		if k := int64(c.u32()) - 1; k >= 0 && k < int64(len(t.samples)) {
			t.samples[k].key = true
		}
	}
}

// chunks works out where in the file each sample is, and which description it has.
func (t *track) chunks(found map[string][]byte) error {
	offsets, wide := found["co64"]
	size := 8
	if !wide {
		offsets, size = found["stco"], 4
	}
	where, total := table(offsets, size)
	runs, n := table(found["stsc"], 12)
	type run struct{ first, each, description int64 }
	next := func() run { return run{int64(runs.u32()), int64(runs.u32()), int64(runs.u32()) - 1} }
	var now, then run
	if n > 0 {
		then = next()
	}
	i := 0
	for chunk := int64(1); chunk <= int64(total) && i < len(t.samples); chunk++ {
		for n > 0 && chunk >= then.first {
			if now, n = then, n-1; n > 0 {
				then = next()
			}
		}
		offset := int64(where.number(wide))
		if offset < 0 || now.first == 0 || now.description < 0 || now.description >= int64(len(t.descriptions)) {
			return errDamaged
		}
		for k := int64(0); k < now.each && i < len(t.samples); k++ {
			t.samples[i].offset, t.samples[i].description = offset, uint16(now.description)
			offset += int64(t.samples[i].size)
			i++
		}
	}
	if i < len(t.samples) {
		return errDamaged
	}
	return nil
}

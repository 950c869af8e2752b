package bitstream

// maxRefSets is how many sets of reference pictures an SPS has at most (H.265 7.4.3.2.1).
const maxRefSets = 64

// maxRefs is how many reference pictures there are at most: sps_max_dec_pic_buffering_minus1
// (H.265 A.4.2).
const maxRefs = 16

// refSet is one st_ref_pic_set of H.265: the pictures that stay, by their distance, first
// those before the present one, the nearest first, then those after it.
type refSet struct {
	before int // how many of delta are before the present picture
	delta  []int32
	used   []bool // by the present picture
}

// uses returns how many pictures of a set the present picture is predicted from.
func (s *refSet) uses() (n int) {
	for _, u := range s.used {
		if u {
			n++
		}
	}
	return n
}

// readRefSet reads st_ref_pic_set(i), H.265 7.3.7; sets are those of the SPS before it, and
// inSlice says that it stands in the header of a slice.
func readRefSet(r *BitReader, sets []refSet, inSlice bool) (s refSet) {
	if len(sets) > 0 && r.Flag() { // inter_ref_pic_set_prediction_flag
		back := 1
		if inSlice {
			back += r.UE(uint32(len(sets) - 1)) // delta_idx_minus1
		}
		return sets[len(sets)-back].predict(r)
	}
	before, after := r.UE(maxRefs), r.UE(maxRefs)
	if before+after > maxRefs {
		r.Bad = true
	}
	if r.Err() != nil {
		return s
	}
	s.before = before
	for _, side := range [2]struct{ n, sign int }{{before, -1}, {after, 1}} {
		at := 0
		for range side.n {
			at += side.sign * (r.UE(1<<15-1) + 1)
			s.add(at, r.Flag())
		}
	}
	return s
}

func (s *refSet) add(delta int, used bool) {
	s.delta, s.used = append(s.delta, int32(delta)), append(s.used, used)
}

// predict reads a set that is told by its difference from s (H.265 7.4.8, equations 7-61
// and 7-62).
func (s *refSet) predict(r *BitReader) (t refSet) {
	shift := 1
	if r.Flag() { // delta_rps_sign
		shift = -1
	}
	shift *= r.UE(1<<15-1) + 1 // abs_delta_rps_minus1
	n := len(s.delta)
	var used, kept [maxRefs + 1]bool
	for j := range n + 1 {
		used[j] = r.Flag()
		kept[j] = used[j] || r.Flag() // use_delta_flag
	}
	if r.Err() != nil {
		return t
	}
	add := func(j int, before bool) {
		at := shift
		if j < n {
			at += int(s.delta[j])
		}
		if kept[j] && at != 0 && (at < 0) == before {
			t.add(at, used[j])
		}
	}
	for j := n - 1; j >= s.before; j-- { // what was after, the farthest first
		add(j, true)
	}
	add(n, true)
	for j := range s.before {
		add(j, true)
	}
	t.before = len(t.delta)
	for j := s.before - 1; j >= 0; j-- {
		add(j, false)
	}
	add(n, false)
	for j := s.before; j < n; j++ {
		add(j, false)
	}
	if len(t.delta) > maxRefs {
		r.Bad = true
	}
	return t
}

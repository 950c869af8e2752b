package bitstream

import (
	"bytes"
	"fmt"
	"slices"
)

const (
	kindVPS = iota
	kindSPS
	kindPPS
	kinds
)

// ParameterSets remembers the parameter sets of a stream. The zero value with
// Codec set is ready to use. It is not safe for concurrent use.
type ParameterSets struct {
	Codec Codec

	sets [kinds][]paramSet // ascending by id
}

type paramSet struct {
	id   int
	nalu []byte
	sps  *SPS // of an SPS
	pps  *PPS // of a PPS
}

// Update takes copies of the parameter sets among the NAL units of an access
// unit and reports whether that changed anything. A set replaces the one of the
// same kind and id. Sets that cannot be read are ignored.
func (p *ParameterSets) Update(nalus [][]byte) (changed bool) {
	for _, n := range nalus {
		kind := p.Codec.setKind(n)
		if kind < 0 || len(n) > maxSet || p.has(kind, n) {
			continue
		}
		set, err := p.Codec.parseSet(kind, n)
		if err != nil {
			continue
		}
		set.nalu = bytes.Clone(n)
		i, found := p.find(kind, set.id)
		if found {
			p.sets[kind][i] = set
		} else {
			p.sets[kind] = slices.Insert(p.sets[kind], i, set)
		}
		changed = true
	}
	return changed
}

func (p *ParameterSets) has(kind int, nalu []byte) bool {
	for _, s := range p.sets[kind] {
		if bytes.Equal(s.nalu, nalu) {
			return true
		}
	}
	return false
}

// find returns where the set of a kind and id stands, or would.
func (p *ParameterSets) find(kind, id int) (i int, found bool) {
	sets := p.sets[kind]
	for i < len(sets) && sets[i].id < id { // of most streams there is one
		i++
	}
	return i, i < len(sets) && sets[i].id == id
}

// parseSet reads a parameter set. The ranges of the ids bound how many there can be.
func (c Codec) parseSet(kind int, nalu []byte) (s paramSet, err error) {
	switch kind {
	case kindVPS:
		r := NewBitReader(nil, c.payload(nalu))
		s.id = int(r.U(4))
		return s, r.Err()
	case kindPPS:
		s.id, s.pps, err = c.parsePPS(nalu)
		return s, err
	}
	sps, err := ParseSPS(c, nalu)
	return paramSet{id: sps.ID, sps: &sps}, err
}

// Complete reports whether there is a set of each kind, without which no
// picture can be decoded.
func (p *ParameterSets) Complete() bool {
	return len(p.sets[kindSPS]) > 0 && len(p.sets[kindPPS]) > 0 &&
		(p.Codec == H264 || len(p.sets[kindVPS]) > 0)
}

// Append appends all sets to dst as NAL units, VPS before SPS before PPS. They
// must not be changed.
func (p *ParameterSets) Append(dst [][]byte) [][]byte {
	for _, sets := range p.sets {
		for _, s := range sets {
			dst = append(dst, s.nalu)
		}
	}
	return dst
}

// SPS returns what the first sequence parameter set says.
func (p *ParameterSets) SPS() (SPS, error) {
	if len(p.sets[kindSPS]) == 0 {
		return SPS{}, fmt.Errorf("bitstream: no %v sequence parameter set has come yet", p.Codec)
	}
	return *p.sets[kindSPS][0].sps, nil
}

// AppendKey appends the NAL units of a key frame to dst. If they lack one of
// the remembered sets, all sets are put in front, behind the access unit
// delimiter if there is one; otherwise they are appended as they are. Call
// Update with them before.
func (p *ParameterSets) AppendKey(dst, nalus [][]byte) [][]byte {
	if !p.lacks(nalus) {
		return append(dst, nalus...)
	}
	for _, n := range nalus {
		if p.Codec.IsAUD(n) {
			dst = append(dst, n)
		}
	}
	dst = p.Append(dst)
	for _, n := range nalus {
		if !p.Codec.IsAUD(n) && !p.Codec.IsParameterSet(n) {
			dst = append(dst, n)
		}
	}
	return dst
}

func (p *ParameterSets) lacks(nalus [][]byte) bool {
	for kind, sets := range p.sets {
		for _, s := range sets {
			if !slices.ContainsFunc(nalus, func(n []byte) bool {
				return p.Codec.setKind(n) == kind && bytes.Equal(n, s.nalu)
			}) {
				return true
			}
		}
	}
	return false
}

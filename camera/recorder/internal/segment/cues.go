package segment

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// maxCues bounds the cue points of a file. A file of five minutes has 300 at a key frame a
// second; one of 24 hours then has one every 22 s.
const maxCues = 4096

// points returns the cue points: the clusters that begin with a key frame, or every n-th of these
// where they are too many.
func (c *Content) points() (list []mkv.Cue) {
	for i, k := range c.Clusters {
		if k.Key || i == 0 {
			list = append(list, mkv.Cue{Time: uint64(max(0, k.Start/time.Millisecond)), Position: uint64(k.Offset - c.segment)})
		}
	}
	n := (len(list) + maxCues - 1) / maxCues
	for i := 0; i*n < len(list); i++ {
		list[i] = list[i*n]
	}
	return list[:(len(list)+n-1)/n]
}

// appendCues appends a block of cues to b, which follows the file's last block, and to c.
func (c *Content) appendCues(b []byte) []byte {
	at := len(b)
	b = mkv.AppendCues(b, c.list[c.lead()].Number, c.points())
	t := trailer{nonce: c.Nonce, number: c.blocks, bytes: uint32(len(b) - at), base: c.Base}
	b = t.append(b, checksum(b[at:]))
	size := int64(len(b) - at)
	c.cues, c.Length, c.blocks = c.Length, c.Length+size, c.blocks+1
	c.Clusters = slices.Clone(c.Clusters)
	c.Clusters[len(c.Clusters)-1].Bytes += size
	return b
}

// findCues looks for the block of cues that ends the file before its index.
func (c *Content) findCues(f storage.File) {
	var b [trailerSize]byte
	if _, err := f.ReadAt(b[:], c.Length-trailerSize); err != nil {
		return
	}
	at := c.Length - trailerSize - int64(binary.BigEndian.Uint32(b[30:]))
	if at < int64(len(c.head)) || c.Length-at > maxIndex {
		return
	}
	cues := make([]byte, c.Length-trailerSize-at)
	if _, err := f.ReadAt(cues, at); err != nil {
		return
	}
	t, ok := parseTrailer(b[:], checksum(cues))
	if h, isElement := mkv.ParseHead(cues); ok && isElement && t.nonce == c.Nonce && h.ID == mkv.IDCues {
		c.cues = at
	}
}

package storage

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Sum sets the checksum at the end of a sector.
func Sum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
	return b
}

// Forge sets eight bytes in the header (sector 0) or a batch (at the sector) of a segment and makes
// the checksums right again.
func Forge(segment []byte, sector, field int, value uint64) []byte {
	b := bytes.Clone(segment)
	at := sector % (len(b)/sectorSize + 1) * sectorSize
	if len(b) < at+sectorSize {
		return b
	}
	off := at + field%(batchHead-4)
	binary.BigEndian.PutUint64(b[off:], value)
	if at == 0 {
		Sum(b[:sectorSize])
		return b
	}
	head := b[at : at+batchHead]
	if n := int64(binary.BigEndian.Uint32(head[12:])); n <= int64(len(b)-at-batchHead) {
		sum := crc32.Update(crc32.Checksum(head[:batchHead-4], castagnoli), castagnoli, b[at+batchHead:at+batchHead+int(n)])
		binary.BigEndian.PutUint32(head[batchHead-4:], sum)
	}
	return b
}

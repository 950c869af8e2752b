package storage

import (
	"encoding/binary"
	"hash/crc32"
)

// Sum sets the checksum at the end of a sector.
func Sum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
	return b
}

package segment

import (
	"bytes"
	"encoding/binary"
)

// Newer returns a file as a newer version would have it.
func Newer(file []byte) []byte {
	b := bytes.Clone(file)
	at := bytes.Index(b, []byte(magicHeader+"\x00\x01"))
	binary.BigEndian.PutUint16(b[at+8:], Version+1)
	end := at + headerLen
	binary.BigEndian.PutUint32(b[end-4:], checksum(b[:end-4]))
	return b
}

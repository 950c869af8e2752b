// Package sctptest writes SCTP packets for tests as no honest peer would.
package sctptest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"reflect"
	"sync"
	"unsafe"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"
)

// Association writes SCTP packets of the tester's making into an association of pion's.
type Association struct {
	conn        net.Conn
	association reflect.Value
	header      [8]byte // ports and verification tag
	tsn         uint32  // of the next chunk
}

// New returns the way into the association of a session that has a data
// channel. It looks into pion, which has no such way.
func New(pc *webrtc.PeerConnection) (*Association, error) {
	transport := reflect.ValueOf(pc.SCTP()).Elem()
	defer lock(transport)()
	association := transport.FieldByName("sctpAssociation")
	conn := transport.FieldByName("dtlsTransport").Elem().FieldByName("conn")
	if association.IsNil() || conn.IsNil() {
		return nil, fmt.Errorf("sctptest: there is no association")
	}
	s := &Association{association: association.Elem(), conn: (*dtls.Conn)(unsafe.Pointer(conn.Pointer()))}
	defer lock(s.association)()
	if !s.association.FieldByName("useInterleaving").Bool() {
		return nil, fmt.Errorf("sctptest: the association has no I-DATA")
	}
	binary.BigEndian.PutUint16(s.header[0:], uint16(s.association.FieldByName("sourcePort").Uint()))
	binary.BigEndian.PutUint16(s.header[2:], uint16(s.association.FieldByName("destinationPort").Uint()))
	binary.BigEndian.PutUint32(s.header[4:], uint32(s.association.FieldByName("peerVerificationTag").Uint()))
	s.tsn = uint32(s.association.FieldByName("myNextTSN").Uint())
	return s, nil
}

// lock takes the lock of a struct of pion's.
func lock(v reflect.Value) (unlock func()) {
	l := (*sync.RWMutex)(unsafe.Pointer(v.FieldByName("lock").UnsafeAddr()))
	l.RLock()
	return l.RUnlock
}

// Packet sends a packet of chunks.
func (s *Association) Packet(chunks ...[]byte) error {
	b := append(s.header[:], 0, 0, 0, 0)
	for _, c := range chunks {
		b = append(b, c...)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	_, err := s.conn.Write(b)
	return err
}

// Flags of an I-DATA chunk (RFC 8260, 2.1).
const (
	End       = 1
	Begin     = 2
	Unordered = 4
)

// Piece is the I-DATA chunk with the next TSN. part is its number in the message.
func (s *Association) Piece(flags byte, stream uint16, message, part uint32, data ...byte) []byte {
	b := make([]byte, 20, 20+len(data))
	b[0], b[1] = 64, flags
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(data)))
	binary.BigEndian.PutUint32(b[4:], s.tsn)
	binary.BigEndian.PutUint16(b[8:], stream)
	binary.BigEndian.PutUint32(b[12:], message)
	if flags&Begin != 0 {
		part = uint32(webrtcBinary)
	}
	binary.BigEndian.PutUint32(b[16:], part)
	s.tsn++
	return append(b, data...)
}

const webrtcBinary = 53 // RFC 8831, 8

// Reset is a RE-CONFIG chunk that resets a stream once the TSN last has come
// (RFC 6525, 4.1).
func (s *Association) Reset(number, last uint32, stream uint16) []byte {
	b := make([]byte, 22)
	b[0] = 130
	binary.BigEndian.PutUint16(b[2:], 22)
	binary.BigEndian.PutUint16(b[4:], 13)
	binary.BigEndian.PutUint16(b[6:], 18)
	binary.BigEndian.PutUint32(b[8:], number)
	binary.BigEndian.PutUint32(b[16:], last)
	binary.BigEndian.PutUint16(b[20:], stream)
	return b
}

// Forward is an I-FORWARD-TSN chunk (RFC 8260, 2.3.1) that skips TSNs, with which the
// next chunk's follows on, and the messages of a stream up to one.
func (s *Association) Forward(skip uint32, stream uint16, message uint32) []byte {
	s.tsn += skip
	b := make([]byte, 16)
	b[0] = 194
	binary.BigEndian.PutUint16(b[2:], 16)
	binary.BigEndian.PutUint32(b[4:], s.tsn-1)
	binary.BigEndian.PutUint16(b[8:], stream)
	binary.BigEndian.PutUint32(b[12:], message)
	return b
}

// TSN is that of the next chunk.
func (s *Association) TSN() uint32 { return s.tsn }

// Skip leaves a TSN out.
func (s *Association) Skip() { s.tsn++ }

//go:build unix

package camera_test

import (
	"crypto/aes"
	"crypto/cipher"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// floor is the least that sending a frame to all viewers can cost in some way of
// doing it.
type floor struct {
	name  string
	frame func() // encrypts and sends the next frame
}

// newFloors returns the floors for frames sent to the sinks.
func newFloors(b *testing.B, frames []kvsmedia.Frame, sinks []netip.AddrPort) []floor {
	f := &floors{frames: cut(frames), sinks: sinks, nonce: make([]byte, 12)}
	block, err := aes.NewCipher(make([]byte, 16))
	if err == nil {
		f.gcm, err = cipher.NewGCM(block)
	}
	if err != nil {
		b.Fatal(err)
	}
	if f.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.conn.Close() })
	for _, to := range sinks {
		c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		f.connected = append(f.connected, c)
	}
	all := []floor{{"x-floor", f.sendto}, {"x-connected-floor", f.write}}
	if segmentsWork(f.conn, sinks[0]) {
		all = append(all, floor{"x-segment-floor", f.segments})
	}
	return all
}

// floors are what the floors need.
type floors struct {
	frames    [][][]byte // payloads, cut as a session does
	next      int
	sinks     []netip.AddrPort
	gcm       cipher.AEAD
	nonce     []byte
	conn      *net.UDPConn
	connected []*net.UDPConn
	buf       []byte
}

// cut returns the frames' payloads.
func cut(frames []kvsmedia.Frame) (all [][][]byte) {
	for _, f := range frames {
		var parts [][]byte
		for _, nalu := range bitstream.Split(nil, f.Data) {
			n := (len(nalu) + packet.MaxPayload - 1) / packet.MaxPayload
			parts = slices.AppendSeq(parts, slices.Chunk(nalu, (len(nalu)+n-1)/n))
		}
		all = append(all, parts)
	}
	return all
}

// take returns the next frame's payloads.
func (f *floors) take() [][]byte {
	parts := f.frames[f.next%len(f.frames)]
	f.next++
	return parts
}

// headerLen is the size of the RTP header with its extension in bytes.
const headerLen = 20

// seal appends an encrypted packet to dst.
func (f *floors) seal(dst, payload []byte) []byte {
	f.nonce[0]++
	header := len(dst)
	dst = append(dst, make([]byte, headerLen)...)
	return f.gcm.Seal(dst, f.nonce, payload, dst[header:])
}

func (f *floors) sendto() {
	parts := f.take()
	for _, to := range f.sinks {
		for _, part := range parts {
			f.buf = f.seal(f.buf[:0], part)
			_, _ = f.conn.WriteToUDPAddrPort(f.buf, to)
		}
	}
}

func (f *floors) write() {
	parts := f.take()
	for _, c := range f.connected {
		for _, part := range parts {
			f.buf = f.seal(f.buf[:0], part)
			_, _ = c.Write(f.buf)
		}
	}
}

// segments sends runs of packets of the same size, of which the last may be
// shorter, with a system call each.
func (f *floors) segments() {
	const longest = 16
	parts := f.take()
	for _, to := range f.sinks {
		for rest := parts; len(rest) > 0; {
			n := 1
			for n < min(longest, len(rest)) && len(rest[n-1]) == len(rest[0]) && len(rest[n]) <= len(rest[0]) {
				n++
			}
			f.buf = f.buf[:0]
			for _, part := range rest[:n] {
				f.buf = f.seal(f.buf, part)
			}
			_ = writeSegments(f.conn, f.buf, headerLen+len(rest[0])+f.gcm.Overhead(), to)
			rest = rest[n:]
		}
	}
}

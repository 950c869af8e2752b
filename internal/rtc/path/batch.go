package path

import (
	"errors"
	"net/netip"
	"sync"
)

// maxBurst is how many packets of a frame go out at once, as one batch.
const maxBurst = 16

// maxBatch is the size of a batch in bytes; the kernel takes up to 65,507.
const maxBatch = maxBurst * 1280

// Buffers lends the sessions that share it the room for their batches, which
// each needs only for as long as it sends. The zero value is ready to use.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) get() *[maxBatch]byte {
	if room, ok := b.pool.Get().(*[maxBatch]byte); ok {
		return room
	}
	return new([maxBatch]byte)
}

func (b *Buffers) put(room *[maxBatch]byte) { b.pool.Put(room) }

// batch gathers the packets of a burst on their way from pion to the kernel, so
// that a run of them costs one system call: all packets of a run have the same
// size and address, only the last one may be shorter.
type batch struct {
	plain   bool // never gather
	buffers *Buffers

	mu   sync.Mutex
	room *[maxBatch]byte // nil while no batch is open
	buf  []byte          // the run, in room
	sock *socket
	to   netip.AddrPort
	size int // of the run's first packet
	n    int // packets in the run
	errs error
}

// begin makes the sockets gather media until flush.
func (b *batch) begin() {
	if b.plain {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room == nil {
		b.room = b.buffers.get()
		b.buf = b.room[:0]
	}
}

// add takes a packet; false means that it is to be sent at once.
func (b *batch) add(s *socket, packet []byte, to netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room == nil || len(packet) > maxBatch {
		return false
	}
	ended := len(b.buf) != b.n*b.size // by a shorter packet
	if b.n > 0 && (ended || s != b.sock || to != b.to || len(packet) > b.size || b.n == maxBurst || len(b.buf)+len(packet) > maxBatch) {
		b.send()
	}
	if b.n == 0 {
		b.sock, b.to, b.size = s, to, len(packet)
	}
	b.buf = append(b.buf, packet...)
	b.n++
	return true
}

// flush sends what was gathered and ends the gathering. It returns the errors
// of all runs since begin.
func (b *batch) flush() error {
	if b.plain {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room == nil {
		return nil
	}
	b.send()
	b.buffers.put(b.room)
	b.room, b.buf = nil, nil
	err := b.errs
	b.errs = nil
	return err
}

// send writes the run to its socket. Where the kernel cannot cut it, or the
// network device cannot, the socket goes on packet by packet.
func (b *batch) send() {
	if b.n > 1 && b.sock.segments.Load() {
		err := writeSegments(b.sock.UDPConn, b.buf, b.size, b.to)
		if err == nil || !cannotSegment(err) {
			b.reset(err)
			return
		}
		b.sock.segments.Store(false)
	}
	var errs error
	for rest := b.buf; len(rest) > 0; {
		packet := rest[:min(b.size, len(rest))]
		rest = rest[len(packet):]
		if _, err := b.sock.WriteToUDPAddrPort(packet, b.to); err != nil {
			errs = errors.Join(errs, err)
		}
	}
	b.reset(errs)
}

func (b *batch) reset(err error) {
	b.buf, b.n, b.size, b.sock = b.buf[:0], 0, 0, nil
	if err != nil && b.errs == nil {
		b.errs = err
	}
}

package rtc

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/sctptest"
)

// heldLimit is what a peer's data channels may cost while its session lasts: what
// sctpguard counts, in packets of 1,500 bytes, and the window.
const heldLimit = 24 << 20

// TestHeldMessagesAreBounded has peers that send pieces of messages which cannot
// be delivered: the session ends and says why, and little was held.
func TestHeldMessagesAreBounded(t *testing.T) {
	const stream = 0 // the viewer's channel; its message 0 never comes again
	for name, attack := range map[string]struct {
		packet func(s *sctptest.Association, n uint32) [][]byte
		want   string
	}{
		"messages behind one that never comes": {func(s *sctptest.Association, n uint32) [][]byte {
			var chunks [][]byte
			for i := range uint32(50) {
				chunks = append(chunks, s.Piece(sctptest.Begin|sctptest.End, stream, 1000+50*n+i, 0, 'x'))
			}
			return chunks
		}, "cannot be delivered"},
		"one each in a large packet": {func(s *sctptest.Association, n uint32) [][]byte {
			return [][]byte{s.Piece(sctptest.Begin|sctptest.End, stream, 1000+n, 0, 'x'),
				s.Piece(sctptest.Begin|sctptest.End|sctptest.Unordered, stream, n, 0, make([]byte, 1100)...)}
		}, "cannot be delivered"},
		"unordered messages without an end": {func(s *sctptest.Association, n uint32) [][]byte {
			var chunks [][]byte
			for i := range uint32(50) {
				chunks = append(chunks, s.Piece(sctptest.Begin|sctptest.Unordered, stream, 50*n+i, 0, 'x'))
			}
			return chunks
		}, "cannot be delivered"},
		"one message of tiny fragments": {func(s *sctptest.Association, n uint32) [][]byte {
			var chunks [][]byte
			for i := range uint32(50) {
				chunks = append(chunks, s.Piece(0, stream, 1000, 1+50*n+i, 'x'))
			}
			return chunks
		}, "cannot be delivered"},
		"fragments without a byte": {func(s *sctptest.Association, n uint32) [][]byte {
			return [][]byte{s.Piece(0, stream, 1000, 1+n)}
		}, "without a byte"},
		"resets that wait": {func(s *sctptest.Association, n uint32) [][]byte {
			return [][]byte{s.Reset(n, s.TSN()+1000, stream)}
		}, "resets"},
	} {
		t.Run(name, func(t *testing.T) {
			channel, heard := make(chan *Channel, 1), make(chan struct{})
			var once sync.Once
			units := ring.New[*packet.Unit](ring.Config{})
			v, c := pair(t, Source{Ring: units}, Source{Ring: units}, hooks{Channel: func(ch *Channel) { channel <- ch }},
				hooks{Message: func(MessageReceived) { once.Do(func() { close(heard) }) }})
			if err := receive(t, channel, "channel").Send(t.Context(), true, []byte("hello")); err != nil { // once it is open
				t.Fatal(err)
			}
			receive(t, heard, "first message") // whose numbers are taken
			s := must(sctptest.New(v.pc))
			before := heap()
			limit := time.Now().Add(20 * time.Second)
			for n := uint32(0); c.Err() == nil; n++ {
				if s.Packet(attack.packet(s, n)...) != nil || time.Now().After(limit) {
					break
				}
				if n%8 == 7 {
					<-time.After(time.Millisecond) // the kernel drops what comes faster
				}
			}
			receive(t, c.Done(), "end of the session")
			if err := c.Err(); !strings.Contains(err.Error(), attack.want) {
				t.Errorf("the session ended: %v", err)
			}
			if held := heap() - before; held > heldLimit {
				t.Errorf("%d KiB are held", held>>10)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBusyPeersAreNotCutOff sends messages of all sizes in both directions on a
// path that loses packets, and many that are tiny.
func TestBusyPeersAreNotCutOff(t *testing.T) {
	var mu sync.Mutex
	var back [][]byte
	queue := make(chan MessageReceived, 10_000) // who serves a session does not wait for its peer
	echo := func(m MessageReceived) { queue <- m }
	channel := make(chan *Channel, 1)
	units := ring.New[*packet.Unit](ring.Config{})
	news := make(chan struct{}, 1)
	v, c := pairOver(t, &faultnet.Link{Loss: 0.1, Delay: 2 * time.Millisecond, Seed: 11}, Source{Ring: units}, Source{Ring: units},
		hooks{Channel: func(ch *Channel) { channel <- ch }, Message: func(m MessageReceived) {
			mu.Lock()
			defer mu.Unlock()
			back = append(back, m.Data)
			select {
			case news <- struct{}{}:
			default:
			}
		}}, hooks{Message: echo})
	ch := receive(t, channel, "channel")
	sizes := []int{1, 100, 255, 256, 300, 1000, 1200, 5000, 40_000}
	tiny := 5000
	if testing.Short() {
		tiny = 500
	}
	for range tiny {
		sizes = append(sizes, 1)
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
	var sent [][]byte
	for i, size := range sizes {
		sent = append(sent, bytes.Repeat([]byte{byte(i)}, size))
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case m := <-queue:
				_ = m.Channel.Send(t.Context(), m.Text, m.Data)
			case <-c.Done():
				return
			}
		}
	})
	work.Go(func() {
		for _, m := range sent {
			_ = ch.Send(t.Context(), false, m)
		}
	})
	defer func() {
		v.Close()
		c.Close()
		work.Wait()
	}()
	for n, limit := 0, time.After(100*time.Second); n < len(sent); {
		select {
		case <-news:
		case <-limit:
			t.Fatalf("%d of %d messages came back", n, len(sent))
		case <-v.Done():
			t.Fatal(v.Err())
		case <-c.Done():
			t.Fatal(c.Err())
		}
		mu.Lock()
		for ; n < len(back); n++ {
			if !bytes.Equal(back[n], sent[n]) {
				t.Fatalf("message %d came back with %d bytes, it had %d", n, len(back[n]), len(sent[n]))
			}
		}
		mu.Unlock()
	}
}

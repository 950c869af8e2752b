package send

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/bwe"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// peer is the far end of a sender, and what came there.
type peer struct {
	mu      sync.Mutex
	packets []received
	reports []*rtcp.SenderReport
	wants   []int
	silent  time.Duration
	keys    int
	news    int
}

type received struct {
	rtp.Header
	at   time.Time
	size int
}

func (p *peer) Begin()       {}
func (p *peer) Flush() error { return nil }

func (p *peer) WriteRTCP(packets []rtcp.Packet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range packets {
		if sr, ok := r.(*rtcp.SenderReport); ok {
			p.reports = append(p.reports, sr)
		}
	}
	return nil
}

func (p *peer) Silent() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

func (p *peer) RoundTrip() time.Duration { return 20 * time.Millisecond }

func (p *peer) WantKeyframe(lane int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wants = append(p.wants, lane)
}
func (p *peer) PathChanged()  { p.mu.Lock(); defer p.mu.Unlock(); p.news++ }
func (p *peer) KeyframeSent() { p.mu.Lock(); defer p.mu.Unlock(); p.keys++ }

func (p *peer) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.packets = append(p.packets, received{*h, now, len(payload)})
	return len(payload), nil
}

func (p *peer) take() []received {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.packets
	p.packets = nil
	return got
}

// bench is a sender that runs, in a bubble, with a camera that writes 30 frames a
// second.
type bench struct {
	*Sender
	*peer
	units *ring.Ring[*packet.Unit]
	media *testmedia.Noise
}

const (
	pictureSSRC = 11
	repairSSRC  = 12
	soundSSRC   = 13
)

var on = packet.Format{On: true, PT: 96, RTX: 97, TWCC: 3}

func run(t *testing.T, picture packet.Format, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		b := &bench{peer: p, media: testmedia.NewNoise(), units: ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: time.Minute, Lanes: 2})}
		source := Source{Ring: b.units, Tracks: []*kvsmedia.Track{b.media.Track, {Codec: kvsmedia.Opus, Name: "sound"}}, Rate: func(int) int { return 2_000_000 }}
		b.Sender = New(source, Port{SSRC: pictureSSRC, Repair: repairSSRC, Writer: p}, Port{SSRC: soundSSRC, Writer: p}, p, p, slog.New(slog.DiscardHandler))
		b.write(15) // a joiner finds the key frame of frame 10
		b.Set(picture, packet.Format{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx) }()
		synctest.Wait()
		f(t, b)
		cancel()
		<-done
	})
}

// write writes n frames at once.
func (b *bench) write(n int) {
	for range n {
		push(b.units, b.media)
	}
}

// play writes frames for as long, at their pace.
func (b *bench) play(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		b.write(1)
		<-time.After(33 * time.Millisecond)
	}
	synctest.Wait()
}

// pictures returns the RTP times of the pictures that came, in order.
func pictures(packets []received) (stamps []uint32) {
	for _, p := range packets {
		if p.SSRC == pictureSSRC && (len(stamps) == 0 || stamps[len(stamps)-1] != p.Timestamp) {
			stamps = append(stamps, p.Timestamp)
		}
	}
	return stamps
}

// A joiner gets the newest key frame and what follows at once, with time stamps so
// close together that its player shows the newest picture and not the past.
func TestJoinerCatchesUp(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.write(4) // to frame 18: a third of a second of the past
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		got := b.take()
		stamps := pictures(got)
		if len(stamps) != 9 {
			t.Fatalf("%d pictures came, want the key frame of frame 10 and 8 more", len(stamps))
		}
		// Frames 10 to 14 were there when it joined, frame 14 the newest.
		if past := stamps[4] - stamps[0]; past > 90*40 {
			t.Errorf("the past of 132 ms is to be played in %d ms", past/90)
		}
		if next := stamps[5] - stamps[4]; next != 90*33 {
			t.Errorf("the first new picture is %d ms after the newest of the past", next/90)
		}
		if b.keys != 1 {
			t.Errorf("%d key frames are told to be sent", b.keys)
		}
	})
}

// A viewer that falls behind goes on at a key frame, for which the encoder is
// asked, and what it missed before that is not sent again.
func TestLateViewerIsSkipped(t *testing.T) {
	limited := on
	limited.Limit = 300_000 // of the 2 Mbit/s that are written
	run(t, limited, func(t *testing.T, b *bench) {
		b.play(3 * time.Second)
		b.take()
		began := time.Now()
		b.play(20 * time.Second)
		got := b.take()
		bytes := 0
		for _, p := range got {
			bytes += p.size + overhead
		}
		if rate := float64(bytes) * 8 / time.Since(began).Seconds(); rate > 330_000 || rate < 200_000 {
			t.Errorf("%.0f bit/s were sent at a limit of 300000", rate)
		}
		n := len(pictures(got))
		if n < 20 || n > 400 {
			t.Errorf("%d of 600 pictures were sent", n)
		}
		// What is sent is never far behind: the RTP time of each picture says when it
		// was written.
		newest, _ := b.units.Newest(0)
		it, _ := b.units.Get(newest)
		last := got[len(got)-1]
		if behind := time.Duration(int32(uint32(b.picture.ticks(it.At))-last.Timestamp)) * time.Second / 90000; behind > 2500*time.Millisecond {
			t.Errorf("the last picture sent is %v behind", behind)
		}
		if len(b.wants) < 5 {
			t.Errorf("%d key frames were asked for", len(b.wants))
		}
		if p := b.Path(); !p.Constrained || p.Target != 300_000 {
			t.Errorf("the path is %+v", p)
		}
	})
}

// Skipping forgets the losses of before: they are of pictures that nobody can use.
func TestSkippingForgetsLosses(t *testing.T) {
	p := &peer{}
	b := &bench{peer: p, media: testmedia.NewNoise(), units: newUnits()}
	b.Sender = New(Source{Ring: b.units, Tracks: []*kvsmedia.Track{b.media.Track}}, Port{SSRC: pictureSSRC, Writer: p}, Port{}, p, p, slog.New(slog.DiscardHandler))
	b.write(1)
	b.Set(on, packet.Format{})
	b.apply()
	defer b.picture.close()
	b.path.start(0, 0)
	out := &b.picture
	if _, ok := b.nextUnit(out); !ok {
		t.Fatal("no key frame")
	}
	out.joined = time.Now().Add(-time.Minute)
	b.write(9)
	out.lost.add(nack(7, 8, 9))
	if it, ok := b.nextUnit(out); !ok || it.Key || !out.lost.some() {
		t.Fatalf("in time, the losses are kept: %v, %v", ok, out.lost.some())
	}
	b.write(35) // more than a second
	if it, ok := b.nextUnit(out); !ok || !it.Key {
		t.Fatalf("a viewer that is late goes on at a key frame: %+v", it)
	}
	if out.lost.some() {
		t.Error("the losses of before are kept")
	}
}

// A path that was lost for long and is there again begins with the newest key
// frame and with numbers so far ahead that the peer asks for nothing between.
func TestRestoredPathJumps(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.play(time.Second)
		before := b.take()
		b.write(5) // pictures that the old path will not carry
		b.Restored()
		synctest.Wait()
		b.play(500 * time.Millisecond)
		after := b.take()
		last, first := before[len(before)-1], after[0]
		jump := 0
		for i, p := range after {
			prior := last.SequenceNumber
			if i > 0 {
				prior = after[i-1].SequenceNumber
			}
			if d := p.SequenceNumber - prior; d != 1 {
				jump++
				if d != 1+1<<14 {
					t.Errorf("the numbers jump by %d", d)
				}
			}
		}
		if jump != 1 {
			t.Errorf("the numbers jump %d times", jump)
		}
		_ = first
	})
}

// While paused nothing is sent, retransmissions included; resuming begins at a key
// frame, with numbers and time going on.
func TestPauseAndResume(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.play(time.Second)
		before := b.take()
		off := on
		off.On = false
		b.Set(off, packet.Format{})
		synctest.Wait()
		b.Feedback(pictureSSRC, nack(before[len(before)-1].SequenceNumber, before[len(before)-2].SequenceNumber))
		b.Try(3_000_000)
		b.play(2 * time.Second)
		if got := b.take(); len(got) > 0 {
			t.Errorf("%d packets were sent while paused", len(got))
		}
		if picture, _ := b.Lanes(); picture != -1 {
			t.Errorf("lane %d is sent while paused", picture)
		}
		keys := b.keys
		b.Set(on, packet.Format{})
		<-time.After(10 * time.Millisecond)
		synctest.Wait()
		after := b.take()
		if len(after) == 0 || b.keys != keys+1 {
			t.Fatalf("%d packets and %d key frames came after resuming", len(after), b.keys-keys)
		}
		for _, p := range after {
			if p.SSRC != pictureSSRC {
				t.Error("what was missed before the pause is sent again")
			}
		}
		if d := after[0].SequenceNumber - before[len(before)-1].SequenceNumber; d != 1 {
			t.Errorf("the numbers go on %d later", d)
		}
		if d := int32(after[0].Timestamp - before[len(before)-1].Timestamp); d <= 0 {
			t.Errorf("time goes back by %d", -d)
		}
	})
}

// A path that is lost tells nothing of what the next will carry.
func TestLostPathIsNoNews(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.play(time.Second)
		b.peer.mu.Lock()
		if b.news < 5 {
			t.Errorf("%d times in a second the owner was told of the path", b.news)
		}
		b.news, b.silent = 0, time.Second
		b.peer.mu.Unlock()
		b.play(time.Second)
		if b.news > 0 {
			t.Errorf("%d times the owner was told of a path that is lost", b.news)
		}
	})
}

// A peer that wants only sound gets no picture, and the picture once it wants it.
func TestPictureIsAddedLater(t *testing.T) {
	run(t, packet.Format{}, func(t *testing.T, b *bench) {
		sound := packet.Format{Lane: 1, On: true, PT: 111}
		b.Set(packet.Format{}, sound)
		synctest.Wait()
		b.units.Push(ring.Item[*packet.Unit]{Lane: 0, Value: &packet.Unit{Frame: b.media.Next()}, Key: true, Size: 100, At: time.Second})
		synctest.Wait()
		if got := b.take(); len(got) > 0 {
			t.Errorf("%d packets", len(got))
		}
		b.Set(on, sound)
		b.play(100 * time.Millisecond)
		if got := b.take(); len(got) == 0 || got[0].SSRC != pictureSSRC || got[0].PayloadType != 96 {
			t.Errorf("%d packets came", len(got))
		}
	})
}

func nack(seqs ...uint16) []byte {
	b, err := (&rtcp.TransportLayerNack{MediaSSRC: pictureSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// Nothing that a peer sends as RTCP does harm.
func FuzzFeedback(f *testing.F) {
	f.Add(marshal(f, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: pictureSSRC, FractionLost: 9}}}))
	f.Add(marshal(f, &rtcp.SenderReport{Reports: []rtcp.ReceptionReport{{SSRC: pictureSSRC}}}))
	f.Add(marshal(f, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6, SSRCs: []uint32{7}}))
	f.Add(nack(1, 5))
	f.Add(marshal(f, &rtcp.PictureLossIndication{}))
	f.Fuzz(func(t *testing.T, compound []byte) {
		p := &peer{}
		s := New(Source{Ring: newUnits(), Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}}, Port{SSRC: pictureSSRC, Writer: p}, Port{}, p, p, slog.New(slog.DiscardHandler))
		s.Feedback(pictureSSRC, compound)
		s.Set(on, packet.Format{})
		s.path.start(0, 0)
		s.path.sent(1, 1000)
		s.Feedback(pictureSSRC, compound)
		if got := s.Path().Target; got < bwe.DefaultMin || got > bwe.DefaultMax {
			t.Fatalf("the target is %d", got)
		}
	})
}

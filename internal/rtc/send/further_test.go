package send

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A further offer may take retransmissions or sequence numbers away, or number
// them anew. What was sent before is then not sent again: it would not be the same
// packet under the same number, or the sender does not know it any more.
func TestFormatChanges(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.play(time.Second)
		before := b.take()
		for _, f := range []packet.Format{
			{On: true, PT: 96, TWCC: 3},          // without RTX
			{On: true, PT: 96},                   // without sequence numbers
			{On: true, PT: 96, TWCC: 5, RTX: 97}, // with others
			{On: true, PT: 102, TWCC: 5},
		} {
			last := before[len(before)-1]
			b.Set(f, packet.Format{})
			b.Feedback(pictureSSRC, nack(last.SequenceNumber))
			b.play(time.Second)
			got := b.take()
			if len(got) == 0 {
				t.Fatalf("%+v: nothing is sent", f)
			}
			for _, p := range got {
				ids := p.GetExtensionIDs()
				if f.TWCC == 0 && len(ids) > 0 || f.TWCC != 0 && (len(ids) != 1 || ids[0] != f.TWCC) {
					t.Fatalf("%+v: a packet with the extensions %v", f, ids)
				}
				if p.SSRC == pictureSSRC && p.SequenceNumber == last.SequenceNumber {
					t.Fatalf("%+v: an old packet came again as %d", f, p.PayloadType)
				}
			}
			before = got
		}
	})
}

// The sound's clock may change with its codec; its times go on.
func TestSoundClockChanges(t *testing.T) {
	run(t, packet.Format{}, func(t *testing.T, b *bench) {
		b.Sender.source.Tracks = append(b.Sender.source.Tracks[:1:1], &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "phone"})
		opus := &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}
		b.Sender.source.Tracks[0] = opus
		n := 0
		play := func(lane int) {
			for range 50 {
				n++
				at := time.Duration(n)*20*time.Millisecond + time.Hour
				b.units.Push(ring.Item[*packet.Unit]{Lane: lane, Value: &packet.Unit{Frame: kvsmedia.Frame{Track: b.Sender.source.Tracks[lane], Data: []byte{1}}}, Key: true, Size: 1, At: at})
				time.Sleep(20 * time.Millisecond)
			}
		}
		b.Set(packet.Format{}, packet.Format{On: true, PT: 111, Lane: 0})
		time.Sleep(time.Millisecond)
		play(0)
		before := b.take()
		b.Set(packet.Format{}, packet.Format{On: true, PT: 0, Lane: 1})
		time.Sleep(time.Millisecond)
		play(1)
		after := b.take()
		if len(before) < 40 || len(after) < 40 {
			t.Fatalf("%d packets, then %d", len(before), len(after))
		}
		if d := after[0].Timestamp - before[len(before)-1].Timestamp; d > 48000 {
			t.Errorf("the time jumps by %d", d)
		}
		for i := range after[1:] {
			if d := after[i+1].Timestamp - after[i].Timestamp; d != 160 {
				t.Fatalf("20 ms of PCMU advance the time by %d", d)
			}
		}
	})
}

// A lane of another codec than was negotiated is never sent, whoever asks for it.
func TestLaneOfAnotherCodec(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.SetLane(1) // the sound
		b.play(time.Second)
		if picture, _ := b.Lanes(); picture != 0 || b.wish.Load() != 0 {
			t.Errorf("lane %d is sent, lane %d is wished", picture, b.wish.Load())
		}
	})
}

package send

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

// When the ring is cleared nothing that was in it is sent any more: not the rest of a
// picture that is on its way, and nothing again, with and without RTX.
func TestClearedRing(t *testing.T) {
	for _, rtx := range []uint8{97, 0} {
		format := on
		format.RTX, format.Limit = rtx, 100_000
		run(t, format, func(t *testing.T, b *bench) {
			b.play(time.Second)
			sent := b.take()
			if b.picture.waiting() == 0 {
				t.Fatal("no picture is on its way")
			}
			b.units.Clear()
			b.Feedback(pictureSSRC, nack(sent[len(sent)-1].SequenceNumber, sent[len(sent)-2].SequenceNumber))
			b.Try(100_000)
			<-time.After(5 * time.Second)
			synctest.Wait()
			if got := b.take(); len(got) > 0 {
				t.Errorf("%d packets are sent of what was cleared", len(got))
			}
			b.write(10) // to the next key frame
			<-time.After(time.Second)
			synctest.Wait()
			if got := b.take(); len(got) == 0 {
				t.Error("nothing is sent of what came later")
			}
		})
	}
}

// After Stop nothing is sent, whatever is negotiated.
func TestStop(t *testing.T) {
	run(t, on, func(t *testing.T, b *bench) {
		b.play(time.Second)
		b.Stop()
		synctest.Wait()
		b.take()
		b.Set(on, packet.Format{})
		b.play(time.Second)
		if got := b.take(); len(got) > 0 {
			t.Errorf("%d packets are sent", len(got))
		}
	})
}

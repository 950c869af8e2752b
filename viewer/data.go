package viewer

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
)

const (
	maxDataBytes = 4 << 20   // kept for a slow reader of Data
	dataLinger   = 256 << 10 // kept for a loop over Data that is to come

	// maxChannels is how many data channels a viewer opens: a camera of this SDK takes
	// 16 at once, that of the commands included.
	maxChannels = 15
)

// Data is a message on a data channel that does not speak the command protocol.
type Data struct {
	Channel string // the channel's label
	Text    bool   // sent as text rather than as bytes
	Data    []byte // at most 1 MiB
}

// Data yields the messages of data channels that do not speak the command protocol,
// from the call on until ctx or the session ends. Each loop gets all of them since the
// call; one that falls behind by more than 4 MiB, some 150 bytes for each message
// included, loses the oldest. Between the call and the loop, and while no other loop
// runs, the newest 256 KiB are kept.
func (v *Viewer) Data(ctx context.Context) iter.Seq[Data] {
	start := v.data.Next()
	return func(yield func(Data) bool) {
		for it := range v.data.Reader(start).All(ctx) {
			if !yield(it.Value) {
				return
			}
		}
	}
}

// SendData sends a message on the data channel with the label d.Channel, waiting while
// too much is on its way. The channel is opened with the first message, reliable and
// ordered, unless the camera has opened it; a viewer can have 15. It fails with ctx's
// error, when the session ends, if the camera takes no data channels, and if d.Data has
// more than 1 MiB.
func (v *Viewer) SendData(ctx context.Context, d Data) error {
	ch, err := v.channelOf(d.Channel)
	if err == nil {
		err = ch.Send(ctx, d.Text, d.Data)
	}
	if err != nil {
		return fmt.Errorf("viewer: data channel %q: %w", d.Channel, err)
	}
	return nil
}

// channelOf returns the data channel with a label, which it opens if there is none.
func (v *Viewer) channelOf(label string) (*rtc.Channel, error) {
	if label == rtc.CommandLabel {
		return nil, errors.New("the label is that of the command protocol: use Call")
	}
	v.opening.Lock() // not v.mu, which the follower of events needs meanwhile
	defer v.opening.Unlock()
	v.mu.Lock()
	ch, n := v.channels[label], len(v.channels)
	v.mu.Unlock()
	switch {
	case ch != nil:
		return ch, nil
	case n >= maxChannels:
		return nil, fmt.Errorf("%d channels are open, which is the most", n)
	}
	ch, err := v.session.Open(label)
	if err != nil {
		return nil, err
	}
	v.keep(ch)
	return ch, nil
}

// keep notes a raw data channel, unless there is one of its label.
func (v *Viewer) keep(ch *rtc.Channel) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.channels[ch.Label()] == nil {
		v.channels[ch.Label()] = ch
	}
}

// forget forgets a data channel that was closed.
func (v *Viewer) forget(ch *rtc.Channel) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.channels[ch.Label()] == ch {
		delete(v.channels, ch.Label())
	}
}

// receiveData keeps a message for the loops over Data.
func (v *Viewer) receiveData(m rtc.MessageReceived) {
	v.data.Push(ring.Item[Data]{Value: Data{m.Channel.Label(), m.Text, m.Data}, Key: true, Size: len(m.Data)})
}

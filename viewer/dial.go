package viewer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// dialLimit is how long Dial tries if its context has no deadline.
	dialLimit = 30 * time.Second

	// offerAgain is when an unanswered offer is sent once more: a camera that
	// is just waking may have missed it.
	offerAgain = 4 * time.Second
)

// DialError is why Dial did not come to a picture.
type DialError struct {
	Report signaling.ConnectReport // how far the session came
	Err    error                   // such as a [*signaling.Refusal], or that the camera did not answer
}

// Error returns the reason.
func (e *DialError) Error() string { return "viewer: no picture: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *DialError) Unwrap() error { return e.Err }

// Dial connects to a camera and returns when its first decodable frame is
// there, or when the camera says that it has privacy on ([Viewer.Private]). It
// fails when ctx ends, after 30 seconds if ctx has no deadline; when the media
// connection is not there 15 seconds after the offer was made, as with no camera on
// the channel; when the camera refuses ([*signaling.Refusal]); or for a permanent
// reason of signaling. ctx bounds the dialing only; the viewer lives until Close or
// until the session ends.
func Dial(ctx context.Context, cfg Config) (*Viewer, error) {
	cfg, err := cfg.validated()
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialLimit)
		defer cancel()
	}
	certificates := &rtc.Certificates{}
	var making sync.WaitGroup
	making.Go(func() { _, _ = certificates.Get() }) // while signaling connects; an error comes again
	client, err := dialSignaling(ctx, cfg)
	making.Wait()
	if err != nil {
		return nil, fmt.Errorf("viewer: %w", err)
	}
	v, offer, err := newViewer(ctx, cfg, client, certificates)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("viewer: %w", err)
	}
	if err := v.connect(ctx, offer); err != nil {
		report := v.Report()
		v.Close()
		return nil, &DialError{Report: report, Err: err}
	}
	v.work.Go(v.roam)
	return v, nil
}

func dialSignaling(ctx context.Context, cfg Config) (*signaling.Client, error) {
	if cfg.Grant != nil {
		return signaling.DialURL(ctx, *cfg.Grant, cfg.Signaling)
	}
	return signaling.DialViewer(ctx, cfg.Signaling, cfg.ClientID)
}

func newViewer(ctx context.Context, cfg Config, client *signaling.Client, certificates *rtc.Certificates) (*Viewer, []byte, error) {
	servers, err := client.ICEServers(ctx)
	if err != nil {
		cfg.Logger.Warn("no ICE servers: only direct paths can be tried", "err", err)
	}
	v := &Viewer{
		cfg: cfg, client: client, first: make(chan struct{}), ready: make(chan struct{}), channels: map[string]*rtc.Channel{},
		events: ring.New[Event](ring.Config{Bytes: maxEventBytes}),
		data:   ring.New[Data](ring.Config{Bytes: maxDataBytes, Queue: true, Linger: dataLinger}),
		frames: ring.New[kvsmedia.Frame](ring.Config{Bytes: bufferBytes, Keep: cfg.Buffer, Lanes: lanes}),
		clock:  epoch.New(make([]int, lanes)...),
		talk:   ring.New[*packet.Unit](ring.Config{Bytes: talkBytes, Keep: talkKeep}),
		voice:  epoch.New(0),
	}
	life, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	candidates := make(chan []byte, 64)
	source := rtc.Source{Ring: v.talk}
	if cfg.Talk != nil {
		source.Tracks = []*kvsmedia.Track{cfg.Talk}
	}
	var offer []byte
	v.session, offer, err = rtc.Offer(rtc.Config{
		Peer: signaling.Peer{ID: client.ClientID()}, Certificates: certificates, ICEServers: servers, ICEPolicy: cfg.ICEPolicy, Logger: cfg.Logger,
		RootCAs: awsapi.RootCAs(cfg.Signaling.AWS),
	}, source)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	v.work.Go(func() { v.sendCandidates(life, candidates) })
	v.work.Go(func() { v.follow(candidates) })
	return v, offer, nil
}

// follow works off what happens to the session until it has ended. What is in the
// buffer then can still be read.
func (v *Viewer) follow(candidates chan<- []byte) {
	defer v.end()
	for {
		select {
		case e := <-v.session.Events():
			v.takeEvent(e, candidates)
		case <-v.session.Done():
			return
		}
	}
}

// end tells all readers that nothing more will come.
func (v *Viewer) end() {
	v.emit(Left{v.Err(), v.Report()})
	v.events.Close()
	v.data.Close()
	v.frames.Close()
}

func (v *Viewer) takeEvent(e rtc.Event, candidates chan<- []byte) {
	switch e := e.(type) {
	case rtc.OwnCandidate:
		select {
		case candidates <- e.Payload:
		default: // more than anyone needs
		}
	case rtc.Connected:
		v.noteConnected()
	case rtc.PairChanged:
		v.pathMoved()
	case rtc.FrameReceived:
		v.take(e.Frame)
	case rtc.ChannelOpened:
		v.open(e.Channel)
	case rtc.ChannelClosed:
		v.forget(e.Channel)
	case rtc.MessageReceived:
		switch {
		case v.commands != nil && e.Channel == v.channel:
			if err := v.commands.Receive(e.Data); err != nil {
				v.session.End(err)
			}
		case e.Channel.Label() != rtc.CommandLabel: // further ones of which are of no use
			v.receiveData(e)
		}
	}
}

// open takes a data channel: the first with the label of the command protocol, or one
// of raw messages.
func (v *Viewer) open(ch *rtc.Channel) {
	if ch.Label() != rtc.CommandLabel {
		v.keep(ch)
		return
	}
	if v.channel != nil {
		return
	}
	v.channel = ch
	v.commands = command.NewSession(ch, nil, v.cfg.Logger)
	v.commands.Heard = v.hear
	close(v.ready)
}

func (v *Viewer) sendCandidates(ctx context.Context, candidates <-chan []byte) {
	for {
		select {
		case payload := <-candidates:
			if v.client.Send(ctx, signaling.Message{Kind: signaling.ICECandidate, Payload: payload}) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// connect sends the offer and waits for the first frame.
func (v *Viewer) connect(ctx context.Context, offer []byte) error {
	answered := make(chan struct{})
	trouble := make(chan error, 1)
	life, cancel := context.WithCancel(context.Background())
	stop := v.cancel
	v.cancel = func() { cancel(); stop() }
	v.work.Go(func() {
		trouble <- v.receive(life, answered)
	})

	message := signaling.Message{Kind: signaling.Offer, Payload: offer}
	if err := v.client.Send(ctx, message); err != nil {
		return fmt.Errorf("sending the offer: %w", err)
	}
	v.session.Trickle()
	again := time.NewTicker(offerAgain)
	defer again.Stop()
	for {
		select {
		case <-v.first:
			return nil
		case err := <-trouble:
			return err
		case <-v.Done():
			return v.Err()
		case <-answered:
			answered = nil
			again.Stop()
		case <-again.C:
			if err := v.client.Send(ctx, message); err != nil && ctx.Err() == nil {
				return fmt.Errorf("sending the offer again: %w", err)
			}
		case <-ctx.Done():
			if answered != nil {
				return fmt.Errorf("the camera did not answer: it is offline or its channel is another one: %w", context.Cause(ctx))
			}
			return fmt.Errorf("the camera answered, but no picture came in time: %w (%w)", v.session.Diagnose(), context.Cause(ctx))
		}
	}
}

// receive works off what the camera sends over signaling, for as long as the
// viewer lives: a session may need new candidates at any time.
func (v *Viewer) receive(ctx context.Context, answered chan<- struct{}) error {
	var early [][]byte
	for {
		m, err := v.client.Receive(ctx)
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return net.ErrClosed
		}
		if err != nil {
			return err
		}
		switch m.Kind {
		case signaling.Answer:
			if !v.session.AwaitsAnswer() {
				v.session.TakeRefusal(m.Payload) // else a second answer to an offer that was sent twice
				continue
			}
			err := v.session.SetAnswer(m.Payload)
			if answered == nil { // to a restart of ICE, which is tried again
				if err != nil {
					v.trouble.Failed(v.cfg.Logger, "the answer to a restart was not taken", err)
				}
				continue
			}
			if err != nil {
				return err
			}
			close(answered)
			answered = nil
			for _, payload := range early {
				v.addCandidate(payload)
			}
			early = nil
		case signaling.ICECandidate:
			if answered == nil {
				v.addCandidate(m.Payload)
			} else if len(early) < 64 {
				early = append(early, m.Payload)
			}
		case signaling.Rejected:
			var rejected *signaling.RejectedError
			if errors.As(m.Err, &rejected) && rejected.Kind == signaling.ICECandidate {
				v.cfg.Logger.Debug("the signaling service refused a candidate", "err", m.Err)
				continue // others may do
			}
			if answered == nil {
				v.trouble.Failed(v.cfg.Logger, "the signaling service refused a message", m.Err)
				continue // the session lives, and a restart is tried again
			}
			return m.Err
		case signaling.Offer: // comes to masters alone
		}
	}
}

func (v *Viewer) addCandidate(payload []byte) {
	if err := v.session.AddCandidate(payload); err != nil {
		v.cfg.Logger.Debug("a candidate was not taken", "err", err)
	}
}

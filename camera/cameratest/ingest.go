package cameratest

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

const (
	// ingestQueue is how many frames wait to be stored; beyond it the master waits.
	ingestQueue = 16

	// ingestLinger is how long the last fragment of a session is stored after its end.
	ingestLinger = 2 * time.Second

	// keyInterval is after how long without a key frame the master is asked for one: a
	// fragment begins with each, and may last 20 s at most.
	keyInterval = 4 * time.Second

	// maxEarly is how many candidates of the master wait for its answer.
	maxEarly = 64
)

// ingest is a session of the storage service with a channel's master: it offers to
// receive H.264 and Opus, as AWS does, and writes the picture to the stream that the
// channel is mapped to.
type ingest struct {
	cloud   *Cloud
	signals *signalingtest.StorageSession
	session *rtc.Session
	log     *slog.Logger
	frames  chan kvsmedia.Frame // closed at the end of the session
	work    sync.WaitGroup
}

// ingest is signalingtest.Config.Storage. A viewer gets no offer: what a master
// sends is not handed on to viewers.
func (c *Cloud) ingest(ctx context.Context, signals *signalingtest.StorageSession) {
	if signals.ClientID != "" {
		c.cfg.Logger.Warn("cameratest: viewers of storage sessions are not served", "client", signals.ClientID)
		return
	}
	in := &ingest{cloud: c, signals: signals, frames: make(chan kvsmedia.Frame, ingestQueue),
		log: c.cfg.Logger.With("channel", signals.ChannelARN)}
	if err := in.run(ctx); err != nil && ctx.Err() == nil {
		in.log.Warn("cameratest: the storage session ended", "err", err)
	}
}

// run serves the session until it or ctx ends.
func (in *ingest) run(ctx context.Context) error {
	session, offer, err := rtc.Offer(rtc.Config{
		Certificates: &rtc.Certificates{}, Logger: in.log,
		Codecs: []kvsmedia.Codec{kvsmedia.H264, kvsmedia.Opus}, NoData: true,
	}, rtc.Source{Ring: ring.New[*packet.Unit](ring.Config{})})
	if err != nil {
		return err
	}
	in.session = session
	ctx, cancel := context.WithCancel(ctx)
	in.work.Go(func() { in.follow(ctx) })
	in.work.Go(func() {
		<-ctx.Done()
		session.End(context.Cause(ctx))
	})
	err = in.negotiate(ctx, offer)
	cancel()
	session.Close()
	in.work.Wait()
	return err
}

// negotiate sends the offer and works off what the master sends, until the session
// ends.
func (in *ingest) negotiate(ctx context.Context, offer []byte) error {
	if err := in.signals.Send(signaling.Message{Kind: signaling.Offer, Payload: offer}); err != nil {
		return err
	}
	in.session.Trickle()
	receive, cancel := context.WithCancel(ctx)
	defer cancel()
	in.work.Go(func() {
		<-in.session.Done()
		cancel()
	})
	answered := false
	var early [][]byte
	for {
		m, err := in.signals.Receive(receive)
		if err != nil {
			return errors.Join(in.session.Err(), context.Cause(ctx))
		}
		switch {
		case m.Kind == signaling.Answer && !answered:
			if err := in.session.SetAnswer(m.Payload); err != nil {
				return err
			}
			answered = true
			for _, candidate := range early {
				in.addCandidate(candidate)
			}
		case m.Kind == signaling.ICECandidate && answered:
			in.addCandidate(m.Payload)
		case m.Kind == signaling.ICECandidate && len(early) < maxEarly:
			early = append(early, m.Payload)
		}
	}
}

func (in *ingest) addCandidate(payload []byte) {
	if err := in.session.AddCandidate(payload); err != nil {
		in.log.Debug("cameratest: a candidate was not taken", "err", err)
	}
}

// follow works off what happens to the session until it ends.
func (in *ingest) follow(ctx context.Context) {
	defer close(in.frames)
	var picture *kvsmedia.Track
	overdue := time.NewTimer(keyInterval)
	defer overdue.Stop()
	for {
		select {
		case <-overdue.C:
			overdue.Reset(keyInterval)
			if err := in.session.RequestKeyframe(); err != nil {
				in.log.Debug("cameratest: asking for a key frame", "err", err)
			}
		case e := <-in.session.Events():
			switch e := e.(type) {
			case rtc.OwnCandidate:
				_ = in.signals.Send(signaling.Message{Kind: signaling.ICECandidate, Payload: e.Payload}) // fails for other kinds alone
			case rtc.Connected:
				in.log.Debug("cameratest: the storage session is connected")
			case rtc.FrameReceived:
				if !e.Frame.Track.Codec.Video() {
					continue
				}
				if e.Frame.Key {
					overdue.Reset(keyInterval)
				}
				if picture == nil {
					picture = e.Frame.Track
					in.work.Go(func() { in.store(ctx, picture) })
				}
				select {
				case in.frames <- e.Frame:
				case <-in.session.Done():
				}
			}
		case <-in.session.Done():
			return
		}
	}
}

// store uploads the picture until the session ends.
func (in *ingest) store(ctx context.Context, picture *kvsmedia.Track) {
	producer, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: in.cloud.OwnerAWS(), Stream: in.signals.StreamARN,
		Tracks: []*kvsmedia.Track{picture}, Linger: ingestLinger, Logger: in.log})
	if err == nil {
		err = producer.Upload(ctx, in.received())
	}
	if err != nil && ctx.Err() == nil {
		in.session.End(err)
	}
}

// received yields the frames of the picture until the session ends.
func (in *ingest) received() iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for f := range in.frames {
			if !yield(f) {
				return
			}
		}
	}
}

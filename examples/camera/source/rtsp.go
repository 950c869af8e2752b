package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/examples/camera/source/rtsp"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// rtspTimeout bounds one request, and the silence of a server that plays.
const rtspTimeout = 10 * time.Second

// rtspSource is a camera or a server that speaks RTSP, over TCP.
type rtspSource struct {
	url   *base.URL
	log   *slog.Logger
	list  []*kvsmedia.Track // one for each stream, in the order of the description
	start time.Time         // of the clock of arrivals
	line  rtsp.Line
	told  map[string]bool // what was left out with a warning
	lost  map[*kvsmedia.Track]*Repeats
}

func openRTSP(ctx context.Context, spec string, logger *slog.Logger) (*rtspSource, error) {
	u, err := base.ParseURL(spec)
	if err != nil {
		return nil, errors.New("the RTSP URL cannot be read") // it may hold a password
	}
	s := &rtspSource{url: u, log: logger.With("source", u.CloneWithoutCredentials().String()), start: time.Now(), told: map[string]bool{}, lost: map[*kvsmedia.Track]*Repeats{}}
	var retry backoff
	var trouble Repeats
	for {
		streams, err := s.describe(ctx)
		if err == nil {
			for _, st := range streams {
				s.list = append(s.list, st.Track)
				s.lost[st.Track] = &Repeats{}
			}
			nameTracks(s.list)
			return s, nil
		}
		var status liberrors.ErrClientBadStatusCode
		if errors.As(err, &status) {
			return nil, fmt.Errorf("the RTSP server %s: %w", u.Host, err)
		}
		if ctx.Err() == nil {
			trouble.Warn(s.log, "waiting for the RTSP source, whose tracks must be known to begin", "err", err)
		}
		if !retry.wait(ctx) {
			return nil, fmt.Errorf("the RTSP server %s: %w", u.Host, context.Cause(ctx))
		}
	}
}

func (s *rtspSource) tracks() []*kvsmedia.Track { return s.list }

// warn warns of something that is left out, once.
func (s *rtspSource) warn(err error) {
	if !s.told[err.Error()] && len(s.told) < 100 {
		s.told[err.Error()] = true
		s.log.Warn("a part of the RTSP source is left out", "err", err)
	}
}

// rtspSession is one connection to the server.
type rtspSession struct {
	*gortsplib.Client
	close   func()
	base    *base.URL
	streams []*rtsp.Stream
}

// connect describes the source. The session is to be closed, and is when ctx is done.
func (s *rtspSource) connect(ctx context.Context) (*rtspSession, error) {
	tcp := gortsplib.ProtocolTCP
	var said rtsp.Description
	described := false // said is complete
	c := &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, Protocol: &tcp,
		ReadTimeout: rtspTimeout, WriteTimeout: rtspTimeout,
		DialContext: func(inner context.Context, network, address string) (net.Conn, error) {
			inner, cancel := context.WithCancel(inner)
			defer cancel()
			defer context.AfterFunc(ctx, cancel)()
			return (&net.Dialer{Timeout: rtspTimeout}).DialContext(inner, network, address)
		},
		OnResponse: func(res *base.Response) {
			if !described {
				said.Mend(res)
			}
		},
		OnPacketsLost: func(uint64) {}, // the streams notice
		OnDecodeError: func(err error) { s.log.Debug("RTSP packet dropped", "err", err) },
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, c.Close)
	session := &rtspSession{Client: c, close: func() { stop(); c.Close() }}
	desc, _, err := c.Describe(s.url)
	if err != nil {
		session.close()
		return nil, errors.Join(append([]error{err}, said.Problems...)...)
	}
	described = true
	session.base, session.streams = desc.BaseURL, said.Streams(desc)
	for _, p := range said.Problems {
		s.warn(p)
	}
	return session, nil
}

func (s *rtspSource) describe(ctx context.Context) ([]*rtsp.Stream, error) {
	session, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	session.close()
	return session.streams, nil
}

func (s *rtspSource) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var retry backoff
	var trouble Repeats
	for {
		going, err := s.session(ctx, func(f kvsmedia.Frame) bool {
			retry.reset()
			return emit(f)
		})
		if !going || ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errTracksChanged) {
			return err
		}
		trouble.Warn(s.log, "RTSP source lost, connecting again", "err", err)
		if !retry.wait(ctx) {
			return nil
		}
	}
}

var errTracksChanged = errors.New("the RTSP source has other tracks than before: open it again")

// received is what came of one stream.
type received struct {
	stream int
	unit   rtsp.Unit
	report *rtcp.SenderReport // instead of a unit
}

// session plays until the connection ends; going is false if emit no longer wants frames.
func (s *rtspSource) session(ctx context.Context, emit func(kvsmedia.Frame) bool) (going bool, err error) {
	session, err := s.connect(ctx)
	if err != nil {
		return true, err
	}
	defer session.close()
	if !slices.EqualFunc(session.streams, s.list, func(st *rtsp.Stream, t *kvsmedia.Track) bool {
		return st.Track.Codec == t.Codec && st.Track.SampleRate == t.SampleRate && st.Track.Channels == t.Channels
	}) {
		return true, errTracksChanged
	}
	in := make(chan received, 64)
	over, end := context.WithCancel(ctx) // ends before close, which waits for the callbacks
	defer end()
	if err := s.setup(over, session, in); err != nil {
		return true, err
	}
	s.line.Start(session.streams)
	if _, err := session.Play(nil); err != nil {
		return true, err
	}
	ended := make(chan error, 1)
	defer func() { end(); session.close(); <-ended }()
	go func() { ended <- session.Wait(); close(ended) }()
	going, err = s.play(in, ended, emit)
	if !going || ctx.Err() != nil {
		return going, err
	}
	return s.finish(session.streams, in, emit), err
}

// setup asks for the media and has what comes of them sent to in.
func (s *rtspSource) setup(over context.Context, session *rtspSession, in chan<- received) error {
	send := func(r received) bool {
		select {
		case in <- r:
			return true
		case <-over.Done():
			return false
		}
	}
	media := map[*description.Media]error{}
	var refused error
	n := 0
	for i, st := range session.streams {
		err, asked := media[st.Media]
		if !asked {
			_, err = session.Setup(session.base, st.Media, 0, 0)
			media[st.Media] = err
		}
		var status liberrors.ErrClientBadStatusCode
		switch {
		case errors.As(err, &status):
			refused = fmt.Errorf("the server refuses the %s stream: %w", st.Track.Codec, err)
			continue
		case err != nil:
			return err
		}
		n++
		st.Track, st.OnTrouble = s.list[i], s.trouble(s.list[i])
		session.OnPacketRTP(st.Media, st.Format, func(pkt *rtp.Packet) {
			now := time.Now()
			for u := range st.Units(pkt, now.Sub(s.start), now) {
				if !send(received{stream: i, unit: u}) {
					return
				}
			}
		})
		if !asked { // the reports of a medium are of its first stream
			session.OnPacketRTCP(st.Media, func(pkt rtcp.Packet) {
				if report, ok := pkt.(*rtcp.SenderReport); ok {
					send(received{stream: i, report: report})
				}
			})
		}
	}
	if n == 0 {
		return refused
	}
	if refused != nil {
		s.warn(refused)
	}
	return nil
}

// trouble returns what logs the troubles of a stream.
func (s *rtspSource) trouble(t *kvsmedia.Track) func(error) {
	return func(err error) {
		s.lost[t].Warn(s.log, "frames of the RTSP source are lost", "track", t.Name, "err", err)
	}
}

// play emits frames until the connection ends.
func (s *rtspSource) play(in <-chan received, ended <-chan error, emit func(kvsmedia.Frame) bool) (going bool, err error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var frames []kvsmedia.Frame
		select {
		case r := <-in:
			frames = s.take(r)
		case <-timer.C:
			frames = s.line.Release(time.Since(s.start))
		case err := <-ended:
			return true, err
		}
		if !all(frames, emit) {
			return false, nil
		}
		if due, ok := s.line.Due(); ok {
			timer.Reset(due - time.Since(s.start))
		}
	}
}

// take returns the frames that are ready with what was received.
func (s *rtspSource) take(r received) []kvsmedia.Frame {
	if r.report != nil {
		s.line.Report(r.stream, rtsp.NTP(r.report.NTPTime), r.report.RTPTime)
		return nil
	}
	return s.line.Add(r.stream, r.unit)
}

// finish emits what came before the connection ended.
func (s *rtspSource) finish(streams []*rtsp.Stream, in <-chan received, emit func(kvsmedia.Frame) bool) (going bool) {
	for len(in) > 0 {
		if !all(s.take(<-in), emit) {
			return false
		}
	}
	for i, st := range streams {
		for u := range st.Flush() {
			if !all(s.line.Add(i, u), emit) {
				return false
			}
		}
	}
	return all(s.line.End(), emit)
}

func all(frames []kvsmedia.Frame, emit func(kvsmedia.Frame) bool) bool {
	for _, f := range frames {
		if !emit(f) {
			return false
		}
	}
	return true
}

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
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// rtspTimeout bounds one request, and the silence of a server that plays.
const rtspTimeout = 10 * time.Second

// rtspSource is a camera or a server that speaks RTSP, over TCP.
type rtspSource struct {
	url  *base.URL
	log  *slog.Logger
	list []*kvsmedia.Track // one for each stream, in the order of the description
	time timeline
}

func openRTSP(ctx context.Context, spec string, logger *slog.Logger) (*rtspSource, error) {
	u, err := base.ParseURL(spec)
	if err != nil {
		return nil, errors.New("the RTSP URL cannot be read") // it may hold a password
	}
	s := &rtspSource{url: u, log: logger.With("source", u.CloneWithoutCredentials().String())}
	var retry backoff
	for {
		streams, err := s.describe(ctx)
		if err == nil {
			for _, st := range streams {
				s.list = append(s.list, st.track)
			}
			nameTracks(s.list)
			return s, nil
		}
		var status liberrors.ErrClientBadStatusCode
		if errors.As(err, &status) {
			return nil, fmt.Errorf("the RTSP server %s: %w", u.Host, err)
		}
		s.log.Warn("RTSP source not reached, trying again", "err", err)
		if !retry.wait(ctx) {
			return nil, fmt.Errorf("the RTSP server %s: %w", u.Host, err)
		}
	}
}

func (s *rtspSource) tracks() []*kvsmedia.Track { return s.list }

// client returns a started client that is closed by the function returned, or when ctx is done.
func (s *rtspSource) client(ctx context.Context) (*gortsplib.Client, func(), error) {
	tcp := gortsplib.ProtocolTCP
	c := &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, Protocol: &tcp,
		ReadTimeout: rtspTimeout, WriteTimeout: rtspTimeout,
		DialContext: func(inner context.Context, network, address string) (net.Conn, error) {
			inner, cancel := context.WithCancel(inner)
			defer cancel()
			defer context.AfterFunc(ctx, cancel)()
			return (&net.Dialer{Timeout: rtspTimeout}).DialContext(inner, network, address)
		},
		OnPacketsLost: func(n uint64) { s.log.Warn("RTSP packets lost", "count", n) },
		OnDecodeError: func(err error) { s.log.Debug("RTSP packet dropped", "err", err) },
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, c.Close)
	return c, func() { stop(); c.Close() }, nil
}

func (s *rtspSource) describe(ctx context.Context) ([]*rtspStream, error) {
	c, closeClient, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	defer closeClient()
	desc, _, err := c.Describe(s.url)
	if err != nil {
		return nil, err
	}
	return s.streams(desc)
}

// streams returns the streams of a description that a camera can use.
func (s *rtspSource) streams(desc *description.Session) ([]*rtspStream, error) {
	var all []*rtspStream
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			st, err := newRTSPStream(m, f)
			if err != nil {
				return nil, err
			}
			if st == nil {
				s.log.Warn("RTSP stream left out: its codec is none that a camera can use", "codec", f.Codec())
				continue
			}
			all = append(all, st)
		}
	}
	return all, nil
}

func (s *rtspSource) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var retry backoff
	for {
		s.time.restart()
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
		s.log.Warn("RTSP source lost, connecting again", "err", err)
		if !retry.wait(ctx) {
			return nil
		}
	}
}

var errTracksChanged = errors.New("the RTSP source has other tracks than before: open it again")

// session plays until the connection ends; going is false if emit no longer wants frames.
func (s *rtspSource) session(ctx context.Context, emit func(kvsmedia.Frame) bool) (going bool, err error) {
	c, closeClient, err := s.client(ctx)
	if err != nil {
		return true, err
	}
	defer closeClient()
	desc, _, err := c.Describe(s.url)
	if err != nil {
		return true, err
	}
	streams, err := s.streams(desc)
	if err != nil {
		return true, err
	}
	if !slices.EqualFunc(streams, s.list, func(st *rtspStream, t *kvsmedia.Track) bool {
		return st.track.Codec == t.Codec && st.track.SampleRate == t.SampleRate && st.track.Channels == t.Channels
	}) {
		return true, errTracksChanged
	}

	frames := make(chan kvsmedia.Frame, 64)
	over, end := context.WithCancel(ctx) // ends before closeClient, which waits for the callbacks
	defer end()
	for i, st := range streams {
		if err := setupOnce(c, desc, streams[:i], st.media); err != nil {
			return true, err
		}
		st.track = s.list[i]
		c.OnPacketRTP(st.media, st.format, func(pkt *rtp.Packet) {
			ticks, ok := c.PacketPTS(st.media, pkt)
			if !ok {
				return
			}
			for f := range st.frames(pkt, ticks) {
				select {
				case frames <- f:
				case <-over.Done():
					return
				}
			}
		})
	}
	if _, err := c.Play(nil); err != nil {
		return true, err
	}
	ended := make(chan error, 1)
	defer func() { end(); closeClient(); <-ended }()
	go func() { ended <- c.Wait(); close(ended) }()
	for {
		select {
		case f := <-frames:
			f.PTS = s.time.pts(f.PTS)
			f.Time = time.Now()
			if !emit(f) {
				return false, nil
			}
		case err := <-ended:
			return true, err
		}
	}
}

// setupOnce asks for a media unless an earlier stream of it was asked for.
func setupOnce(c *gortsplib.Client, desc *description.Session, earlier []*rtspStream, m *description.Media) error {
	if slices.ContainsFunc(earlier, func(st *rtspStream) bool { return st.media == m }) {
		return nil
	}
	_, err := c.Setup(desc.BaseURL, m, 0, 0)
	return err
}

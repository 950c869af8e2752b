package kvsmediatest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/control"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/images"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/playback"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/retrieval"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Service is Kinesis Video Streams as an http.Handler: control plane, PutMedia,
// the archive and the URLs of playback, on whatever host they are asked for. It
// is safe for concurrent use.
//
// The http.Server that it is given to must offer HTTP/1.1 alone and have no read
// or write timeout.
type Service struct {
	cfg        Config
	core       *double.Core
	store      *store.Store
	front      *api.Front
	ingest     *ingest.Endpoint
	retrieval  *retrieval.Endpoint
	playback   *playback.Endpoint
	images     *images.Maker
	operations map[string]*api.Operation // by path, but PutMedia
	handler    http.Handler
	faults     mediaFaults
}

// New returns a service with the streams that Config.Dir holds. It starts nothing: serve
// it, and Close it. The error is of Config.Dir.
func New(cfg Config) (*Service, error) {
	cfg.setDefaults()
	s := &Service{cfg: cfg, core: double.New("kvsmediatest", cfg.Logger)}
	arnPrefix := fmt.Sprintf("arn:aws:kinesisvideo:%s:%s:stream/", cfg.Region, cfg.Account)
	var err error
	s.store, err = store.Open(store.Config{
		Dir: cfg.Dir, ARNPrefix: arnPrefix, KMSKey: "arn:aws:kms:" + cfg.Region + ":" + cfg.Account + ":alias/aws/kinesisvideo",
		Most: cfg.Limits.Streams, Now: s.core.Now,
		Create: cfg.Timing.Create, Update: cfg.Timing.Update, Delete: cfg.Timing.Delete,
		HostBuffer: cfg.Timing.HostBuffer, HostBufferBytes: cfg.Limits.HostBufferBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("kvsmediatest: %w", err)
	}
	s.front = &api.Front{
		Store: s.store, Core: s.core, Rate: cfg.Limits.rate, DeniedStatus: cfg.Variants.NotAuthorizedStatus,
		ARNPrefix: arnPrefix, Endpoint: cfg.DataEndpoint,
		Verifier: awsapitest.Verifier{
			Region: cfg.Region, Service: "kinesisvideo", Now: s.core.Now,
			Credentials: func(key string) (awsapitest.Identity, bool) {
				id, ok := cfg.Credentials(key)
				return awsapitest.Identity(id), ok
			},
		},
	}
	if cfg.Authorize != nil {
		s.front.Authorize = func(a api.Access) error { return cfg.Authorize(Access(a)) }
	}
	s.images = images.NewMaker(s.imagesConfig())
	s.ingest = ingest.New(s.ingestConfig())
	s.retrieval = retrieval.New(retrieval.Config{
		Core: s.core, Trouble: s.faults.read, Fed: func(st *store.Stream) bool { return len(s.ingest.Connections(st)) > 0 },
		Readers: cfg.Limits.Readers, Idle: cfg.Timing.GetMedia, List: cfg.Timing.List, ReverseLists: cfg.Variants.ReverseLists,
	})
	s.playback = playback.New(playback.Config{
		Front: s.front, Now: s.core.Now, Live: cfg.Timing.Live, Sessions: cfg.Limits.Sessions,
		Apart: cfg.Timing.Apart, WholeClips: cfg.Variants.WholeClips,
	})
	plane := &control.Plane{
		Store: s.store, Region: cfg.Region, Now: s.core.Now,
		WarmNeedsMonth: cfg.Variants.WarmNeedsMonth, WarmStays: cfg.Variants.WarmStays,
		Deleted: func(st *store.Stream) {
			for _, c := range s.ingest.Connections(st) {
				c.Fail(4507)
			}
		},
	}
	s.operations = operations(plane, s.images, s.retrieval, s.playback)
	s.handler = s.core.Handler(awsapitest.AllowOrigins(http.HandlerFunc(s.serve)))
	return s, nil
}

func (s *Service) ingestConfig() ingest.Config {
	l, t, v := &s.cfg.Limits, &s.cfg.Timing, &s.cfg.Variants
	return ingest.Config{
		Front: s.front, Core: s.core, Deliver: s.images.Deliver, Trouble: s.faults.upload,

		Connections: l.Uploads, UploadBytes: l.UploadBytes, FragmentRate: l.FragmentRate, FragmentBytes: l.FragmentBytes,
		FragmentTags: l.FragmentTags, Tracks: l.Tracks,
		MinFragment: time.Duration(l.MinFragmentMillis) * time.Millisecond, MaxFragment: time.Duration(l.MaxFragmentMillis) * time.Millisecond,

		Session: t.Session, IdleAck: t.IdleAck, Idle: t.Idle, Persist: t.Persist,
		WrapAcks: v.WrapAcks, SplitAcks: v.SplitAcks, OutliveCredentials: v.OutliveCredentials, MinDurationID: v.MinDurationID,
	}
}

func (s *Service) imagesConfig() images.Config {
	cfg := images.Config{Account: s.cfg.Account, Now: s.core.Now, Configure: s.cfg.Timing.Configure, Core: s.core}
	put := s.cfg.PutImage
	if put == nil && s.cfg.Dir != "" {
		put = Folder(filepath.Join(s.cfg.Dir, "images"))
	}
	if put != nil {
		cfg.Put = func(i images.Image) error { return put(Image(i)) }
	}
	if notify := s.cfg.Notify; notify != nil {
		cfg.Notify = func(n images.Notification) error { return notify(Notification(n)) }
	}
	return cfg
}

// AddStream makes a stream, as CreateStream does, and returns its ARN. A stream
// of that name that exists already is left as it is. The error is of the name, of
// Limits.Streams or of Config.Dir.
func (s *Service) AddStream(name string, cfg StreamConfig) (arn string, err error) {
	if !api.ValidName(name) {
		return "", fmt.Errorf("kvsmediatest: the name %q must match [a-zA-Z0-9_.-]{1,256}", name)
	}
	for {
		if st := s.store.Stream(name); st != nil {
			return st.ARN, nil
		}
		st, err := s.store.Create(store.Description{Name: name, RetentionHours: cfg.RetentionHours, MediaType: cfg.MediaType, KMSKey: cfg.KMSKey})
		switch {
		case err == nil:
			return st.ARN, nil
		case !errors.Is(err, store.ErrExists): // else another call was faster
			return "", fmt.Errorf("kvsmediatest: %w", err)
		}
	}
}

// Close ends all connections and requests and waits until nothing of the service is
// left running, five seconds at the longest. The error, which is logged at level Warn
// too, names what hangs still. Later requests are cut off.
func (s *Service) Close() error { return s.core.Close() }

// ServeHTTP serves one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Handles reports whether a request is one for this service, for a handler that
// serves others beside it on one listener.
func Handles(r *http.Request) bool {
	return playback.Plays(r.URL.Path) || r.URL.Path == putMediaPath || known[r.URL.Path] != nil
}

// operations returns the operations of all rooms by path.
func operations(p *control.Plane, m *images.Maker, r *retrieval.Endpoint, b *playback.Endpoint) map[string]*api.Operation {
	all := p.Operations()
	for _, more := range []map[string]*api.Operation{m.Operations(), r.Operations(), b.Operations()} {
		maps.Copy(all, more)
	}
	return all
}

// known has the paths of all operations; none of it is run.
var known = operations(nil, nil, nil, nil)

const putMediaPath = "/putMedia"

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	op := s.operations[r.URL.Path]
	switch {
	case r.Method == http.MethodPost && r.URL.Path == putMediaPath:
		s.ingest.PutMedia(w, r)
	case playback.Plays(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.playback.ServeHTTP(w, r)
	case op != nil && r.Method == http.MethodPost:
		s.front.Perform(op, w, r)
	default:
		(&awsapitest.Error{Status: http.StatusNotFound, Name: "UnknownOperationException",
			Message: "No operation " + r.Method + " " + r.URL.Path}).Write(w)
	}
}

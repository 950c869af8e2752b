package kvsmedia

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	maxProducerTracks = 3 // "Amazon Kinesis Video Streams service quotas"
	minBuffer         = 1 << 20
)

// ProducerConfig says what a [Producer] uploads and where to. AWS, Stream and
// Tracks are required; every other zero field has the default that it documents.
// It is copied and may be reused.
type ProducerConfig struct {
	// AWS holds Region and Credentials (both required; an ARN in Stream brings
	// the region) and, optionally, BaseEndpoint (the control plane's URL),
	// HTTPClient and ConfigSources. An *http.Client or the AWS SDK's
	// BuildableClient is adapted for media: see the package's manual. Retryer is
	// not used: the producer tries again itself.
	AWS aws.Config

	// Stream is the stream's name or its ARN.
	Stream string

	// Tracks are the tracks to upload, out of a sequence that may have others
	// too: at most three. Players of the service (HLS, DASH, GetClip) take one in H.264
	// or H.265, and after it one in AAC; the first Upload warns if there are others than
	// they take. [Archive.Media] returns all.
	Tracks []*Track

	// Create, if not nil, has the stream created, with these settings, when it
	// does not exist. Stream must then be a name.
	Create *StreamSettings

	// BufferBytes bounds the memory for frames that the service has not yet
	// stored. Zero means 64 MiB, two minutes at 4 Mbit/s; the least is 1 MiB. A fragment
	// has at most three eighths of it.
	BufferBytes int

	// BufferTime bounds the same in media time, but for two fragments. Zero means an hour.
	BufferTime time.Duration

	// Block makes Upload wait for room in the buffer. By default, as is right
	// for a live camera, the oldest fragments are given up instead.
	Block bool

	// Linger is how long Upload goes on sending what is buffered after its
	// context has ended. Zero means 10 seconds, a negative one not at all.
	Linger time.Duration

	// DualStack asks for an endpoint with IPv6 and IPv4, FIPS for one validated
	// to FIPS 140.
	DualStack, FIPS bool

	// Logger gets the upload's story: Info for sessions, Warn for trouble, each new
	// reason at once and repeats after 1, 2, 4 minutes and so on, up to an hour, with
	// their number. Nil means slog.Default.
	Logger *slog.Logger
}

func (cfg *ProducerConfig) check() error {
	if err := checkStream(&cfg.AWS, cfg.Stream); err != nil {
		return err
	}
	if cfg.Create != nil {
		if strings.HasPrefix(cfg.Stream, "arn:") {
			return &ConfigError{"Create", "needs Stream to be a name, it is an ARN"}
		}
		if err := cfg.Create.check(); err != nil {
			return err
		}
	}
	switch {
	case len(cfg.Tracks) == 0 || len(cfg.Tracks) > maxProducerTracks:
		return &ConfigError{"Tracks", fmt.Sprintf("has %d tracks: allowed are 1 to %d", len(cfg.Tracks), maxProducerTracks)}
	case cfg.BufferBytes != 0 && cfg.BufferBytes < minBuffer:
		return &ConfigError{"BufferBytes", fmt.Sprintf("is %d: the least is %d", cfg.BufferBytes, minBuffer)}
	case cfg.BufferTime < 0:
		return &ConfigError{"BufferTime", fmt.Sprintf("is %v: give a positive time", cfg.BufferTime)}
	}
	if cfg.BufferBytes == 0 {
		cfg.BufferBytes = 64 << 20
	}
	if cfg.BufferTime == 0 {
		cfg.BufferTime = time.Hour
	}
	if cfg.Linger == 0 {
		cfg.Linger = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return nil
}

// Producer uploads frames to one Kinesis video stream. It is safe for
// concurrent use; one of Upload and UploadStored runs at a time.
type Producer struct {
	cfg    ProducerConfig
	log    *slog.Logger
	out    outgoing
	media  buffer
	busy   atomic.Bool // the upload that runs has finder, retry and warned
	warned bool        // of tracks that are not played
	finder finder
	retry  retry
}

// NewProducer returns a producer. It starts nothing and does no I/O; its error is
// a [*ConfigError].
func NewProducer(cfg ProducerConfig) (*Producer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Tracks = slices.Clone(cfg.Tracks)
	cfg.AWS.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	p := &Producer{cfg: cfg, log: cfg.Logger.With("stream", cfg.Stream)}
	p.finder = finder{
		streams: newStreams(cfg.AWS, cfg.Stream, cfg.DualStack, cfg.FIPS, answerLimit),
		create:  cfg.Create, tracks: cfg.Tracks, log: p.log,
	}
	p.out.init(p.log, p.finder.streams.api.Clock.Now)
	if err := p.media.init(&p.cfg, &p.out); err != nil {
		return nil, err
	}
	if _, err := p.finder.streams.api.Endpoint(); err != nil {
		return nil, &ConfigError{"AWS", err.Error()}
	}
	return p, nil
}

// Tracks returns the producer's tracks.
func (p *Producer) Tracks() []*Track { return slices.Clone(p.cfg.Tracks) }

// Upload sends the frames of the producer's tracks to the stream, as they come,
// until the sequence ends, and returns nil once the service has stored the last
// of them. That may take any time: whatever can pass is waited for. The memory
// for what is not stored is bounded ([ProducerConfig]).
//
// When ctx ends, the rest of the sequence is left, what is buffered is sent for at
// most Linger, and ctx's error is returned. A permanent refusal, such as one for
// lack of permission, satisfies smithy.APIError. Upload takes notice of both when
// the next frame comes, so a sequence that waits long should end with ctx, as
// that of a camera does. Whatever the reason, if media is missing in the stream, the
// error is a [*MissingError] that names it and wraps the reason.
//
// If frames came and none of them is in the stream, nor missing because of the service,
// the error is a [*NothingStoredError] that says why: they are of other tracks than
// [ProducerConfig.Tracks], they cannot be stored, or no key frame was among them. Single
// frames that cannot be stored are left out with one warning for each track, and counted
// in [Stats.UnfitFrames].
//
// Frames of one track come in the order of decoding. PTS gives them their distances, Time
// their place: each track's PTS may be on a clock of its own, drift, leap, wrap and begin
// again. Sound and other tracks are kept within 80 ms of the first video track by the Time
// of both, or, without Time, by a PTS that is within 5 seconds of that track's. Sound is
// waited for up to 2 seconds, and up to 5 if it comes late. A Time that leaps alone, as
// when the clock is set, does not count until the next fragment; forward it leaves a gap,
// backward it is approached. Without Time the first frame is of now.
//
// When Upload is called again with frames whose PTS and Time are on the same clock, those
// that were uploaded before are left out. If the first one is of before all that was
// uploaded, or not after what is missing, those that follow are uploaded though some were
// before.
//
// While an upload of the producer runs, the error is [ErrUploading].
func (p *Producer) Upload(ctx context.Context, frames iter.Seq[Frame]) error {
	if !p.busy.CompareAndSwap(false, true) {
		return ErrUploading
	}
	defer p.busy.Store(false)
	p.media.begin()
	r := p.start(ctx, p.cfg.Linger)
	defer r.close() // also when the sequence panics
	left := false
	for f := range frames {
		if left = ctx.Err() != nil || !p.media.add(&f); left {
			break
		}
	}
	if left = left || ctx.Err() != nil; left && p.cfg.Linger < 0 {
		r.stop(context.Cause(ctx))
	}
	p.media.finish()
	r.runs.Wait()
	err := r.err
	if err == nil && left {
		err = fmt.Errorf("kvsmedia: upload to %q ended: %w", p.cfg.Stream, context.Cause(ctx))
	}
	return p.media.close(err)
}

// Tag puts a name and a value on the fragment that is being built, or on the
// first one if none has begun. The service keeps them with the fragment and
// returns them with its media. A second value under a name replaces the first.
//
// It fails, and changes nothing, where the service would refuse the fragment: a
// name has 1 to 128 bytes and does not begin with AWS, a value has at most 256,
// and a fragment has at most ten tags, those of SetTag, TagImage and
// TagNotification included.
func (p *Producer) Tag(name, value string) error {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.media.tags.tag(name, value)
}

// SetTag puts a name and a value on the fragment that is being built and on all
// later ones, until another value is set or an empty one ends it. Its limits are
// those of Tag.
func (p *Producer) SetTag(name, value string) error {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.media.tags.set(name, value)
}

// TagImage asks the service to make a picture of the fragment that is being
// built: see [Muxer.TagImage].
func (p *Producer) TagImage(prefix string, metadata map[string]string) error {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.media.tags.tagImage(prefix, metadata)
}

// TagNotification asks the service to publish a message once it has stored the
// fragment that is being built: see [Muxer.TagNotification].
func (p *Producer) TagNotification(payload map[string]string) error {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.media.tags.tagNotification(payload)
}

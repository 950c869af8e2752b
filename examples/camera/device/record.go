package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// recordAgain is the wait after the service refused to record for a reason that
// only its owner can mend, such as a policy.
const recordAgain = time.Minute

// newProducer returns what uploads the camera's picture and sound, as cfg says.
func newProducer(cfg kvsmedia.ProducerConfig, tracks []*kvsmedia.Track, log *slog.Logger) (*kvsmedia.Producer, error) {
	keep, deaf := recordable(tracks, true)
	if len(keep) == 0 {
		return nil, fmt.Errorf("the source has nothing to record: a stream takes H.264, H.265, AAC and G.711, not %v", tracks[0].Codec)
	}
	if deaf {
		log.Warn("the picture is recorded without sound: a stream takes AAC or G.711, the source has only Opus")
	}
	cfg.Tracks, cfg.Logger = keep, log
	return kvsmedia.NewProducer(cfg)
}

// recordable chooses what is recorded: the first picture, which is the best one, and of
// the sounds AAC, which every player has, rather than Opus and G.711. A Kinesis video
// stream takes no Opus; deaf tells that there is no other sound.
func recordable(tracks []*kvsmedia.Track, stream bool) (keep []*kvsmedia.Track, deaf bool) {
	first := func(codecs ...kvsmedia.Codec) bool {
		for _, t := range tracks {
			for _, c := range codecs {
				if t.Codec == c {
					keep = append(keep, t)
					return true
				}
			}
		}
		return false
	}
	first(kvsmedia.H264, kvsmedia.H265)
	heard := first(kvsmedia.AAC) || !stream && first(kvsmedia.Opus) || first(kvsmedia.PCMA, kvsmedia.PCMU)
	for _, t := range tracks {
		deaf = deaf || !heard && t.Codec == kvsmedia.Opus
	}
	return keep, deaf
}

// record uploads until ctx ends. Its error is then a *kvsmedia.MissingError if
// something is not stored.
func (d *Device) record(ctx context.Context) error {
	var refused source.Repeats
	for {
		err := d.producer.Upload(ctx, d.cam.Frames(ctx, preRoll))
		if ctx.Err() != nil {
			stored := d.producer.Stats().Stored
			d.cfg.Logger.Info("recording ended", "fragments", stored.Fragments, "frames", stored.Frames, "bytes", stored.Bytes)
			var missing *kvsmedia.MissingError
			if errors.As(err, &missing) {
				return missing
			}
			return nil
		}
		refused.Warn(d.cfg.Logger, "recording is refused, live view goes on; trying again", "in", recordAgain, "err", err)
		select {
		case <-time.After(recordAgain):
		case <-ctx.Done():
		}
	}
}

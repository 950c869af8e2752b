package upload

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDenied = errors.New("denied")

// refusing is an uploader that gives up the first times it is asked, then waits for work.
type refusing struct{ times int }

func (r *refusing) UploadStored(_ context.Context, fragments iter.Seq[kvsmedia.Stored]) iter.Seq2[kvsmedia.Receipt, error] {
	return func(yield func(kvsmedia.Receipt, error) bool) {
		if r.times--; r.times >= 0 {
			yield(kvsmedia.Receipt{}, errDenied)
			return
		}
		for range fragments {
			panic("there is no card, but a fragment")
		}
	}
}

// TestGivesUp: an uploader that gives up is asked again after a minute, until then its error
// is shown; Run ends with its context.
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		u := New(Config{Uploader: &refusing{times: 2}, Mono: func() time.Duration { return time.Since(born) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); u.Run(ctx) }()
		for _, want := range []error{errDenied, errDenied, nil, nil} {
			synctest.Wait()
			if got := u.Trouble(); !errors.Is(got, want) {
				t.Errorf("after %v: %v, want %v", time.Since(born), got, want)
			}
			time.Sleep(uploadAgain)
		}
		cancel()
		<-ended
	})
}

// TestNoUploader: without one there is nothing to run or to plan.
func TestNoUploader(t *testing.T) {
	u := New(Config{Mono: func() time.Duration { return 0 }})
	u.Enter(nil)
	u.Run(t.Context())
	if len(u.units) != 0 || u.Trouble() != nil {
		t.Error(u.units, u.Trouble())
	}
}

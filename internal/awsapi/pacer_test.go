package awsapi

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Calls of one key are spaced, those of others are not held up, and a call that is
// given up costs the next one nothing.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		begin := time.Now()
		took := func(ctx context.Context, key string) time.Duration {
			if err := p.Wait(ctx, key, 5); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			return time.Since(begin)
		}
		gone, giveUp := context.WithCancelCause(t.Context())
		cause := errors.New("given up")
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() {
				took(t.Context(), "a")
			})
		}
		synctest.Wait() // one has passed, nine wait
		for range 100 {
			work.Go(func() {
				if err := p.Wait(gone, "a", 5); !errors.Is(err, cause) {
					t.Errorf("ended with %v", err)
				}
			})
		}
		synctest.Wait()
		giveUp(cause)
		if d := took(t.Context(), "b"); d != 0 {
			t.Errorf("another key waits for %v", d)
		}
		work.Wait()
		if d := time.Since(begin); d != 9*220*time.Millisecond {
			t.Errorf("ten calls at 5 a second have taken %v", d)
		}
		if d := took(t.Context(), "a"); d != 10*220*time.Millisecond {
			t.Errorf("after calls that were given up, the next one came at %v", d)
		}
		time.Sleep(time.Hour)
		begin = time.Now()
		if d := took(t.Context(), "a"); d != 0 {
			t.Errorf("after an hour's rest a call waits for %v", d)
		}
	})
}

// What a Pacer remembers is bounded by the keys in use, and no call in use is
// forgotten.
func TestPacerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		begin := time.Now()
		for i := range 10 * keptGates {
			if i%keptGates == 0 {
				time.Sleep(time.Second)
			}
			if err := p.Wait(t.Context(), strconv.Itoa(i), 5); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.gates) > 2*keptGates {
			t.Errorf("%d keys are remembered", len(p.gates))
		}
		last := strconv.Itoa(10*keptGates - 1)
		if err := p.Wait(t.Context(), last, 5); err != nil || time.Since(begin) != 10*time.Second+220*time.Millisecond {
			t.Errorf("%v, after %v", err, time.Since(begin))
		}
	})
}

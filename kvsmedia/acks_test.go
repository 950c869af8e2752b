package kvsmedia

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func ackProducer(t *testing.T) *Producer {
	t.Helper()
	p, err := NewProducer(ProducerConfig{
		AWS: aws.Config{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}}, Stream: "door",
		Tracks: []*Track{{Codec: Opus}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publish acknowledges fragments by number.
func publish(p *Producer, from, to int) {
	for n := from; n < to; n++ {
		p.out.acks.add(Ack{Number: strconv.Itoa(n)})
	}
}

// numbers takes so many acknowledgements of a sequence.
func numbers(seq func(func(Ack) bool), count int) (got []int) {
	if count == 0 {
		return nil
	}
	for a := range seq {
		n, _ := strconv.Atoi(a.Number)
		if got = append(got, n); len(got) == count {
			break
		}
	}
	return got
}

// TestAcksFromTheCall ranges over a sequence long after the call, twice: nothing
// between is lost, within the bound.
func TestAcksFromTheCall(t *testing.T) {
	p := ackProducer(t)
	publish(p, 0, 300)
	seq := p.Acks(t.Context())
	publish(p, 300, 303)
	for range 2 {
		if got := numbers(seq, 3); !slices.Equal(got, []int{300, 301, 302}) {
			t.Errorf("got %v", got)
		}
	}
	publish(p, 303, 300+ackBacklog+5)
	if got := numbers(seq, ackBacklog); got[0] != 305 || got[ackBacklog-1] != 300+ackBacklog+4 {
		t.Errorf("of %d acknowledgements the sequence has %d to %d", ackBacklog+5, got[0], got[ackBacklog-1])
	}
}

// TestAcksEnd ends the context while a loop waits, and before it begins.
func TestAcksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := ackProducer(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		seq := p.Acks(ctx)
		start := time.Now()
		time.AfterFunc(20*time.Second, func() { publish(p, 0, 2) })
		for range 2 {
			count := 0
			for range seq {
				count++
			}
			if took := time.Since(start); took != time.Minute {
				t.Errorf("the loop ended after %v", took)
			}
			if count > 0 && count != 2 {
				t.Errorf("%d acknowledgements", count)
			}
		}
	})
}

// TestAcksAbandoned makes sequences that nobody ranges over: they are collected, and an
// acknowledgement costs what it did.
func TestAcksAbandoned(t *testing.T) {
	p := ackProducer(t)
	publish(p, 0, 2*ackBacklog) // the log has its size
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 10_000 {
		_ = p.Acks(t.Context())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapObjects) - int64(before.HeapObjects); kept > 1000 {
		t.Errorf("%d objects are kept for 10,000 sequences", kept)
	}
	if n := testing.AllocsPerRun(100, func() { p.out.acks.add(Ack{}) }); n != 0 {
		t.Errorf("an acknowledgement takes %v allocations", n)
	}
	runtime.KeepAlive(p)
}

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling"
)

func echo(_ context.Context, _ string, body json.RawMessage) (any, error) { return body, nil }

// quoted returns a JSON string of n bytes, quotes included.
func quoted(n int) json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`)
}

func TestCallOfEverySize(t *testing.T) {
	_, v, up, down := connect(t, echo, nil)
	envelope := len(`{"id":1,"call":"echo","body":}`)
	for _, n := range []int{2, MaxPiece - envelope, MaxPiece - envelope + 1, MaxPiece, 3 * MaxPiece, MaxMessage - envelope - 10} {
		body := quoted(n)
		got, err := v.Call(t.Context(), "echo", body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes: %d bytes came back, err %v", n, len(got), err)
		}
	}
	for _, p := range []*pipe{up, down} {
		p.mu.Lock()
		if p.largest > MaxPiece {
			t.Errorf("a channel message of %d bytes was sent", p.largest)
		}
		if p.messages < 1+1+1+2+4+65 {
			t.Errorf("only %d channel messages were sent", p.messages)
		}
		p.mu.Unlock()
	}
}

func TestBothSidesCallAtOnce(t *testing.T) {
	c, v, _, _ := connect(t, echo, echo)
	var wg sync.WaitGroup
	for _, s := range []*Session{c, v} {
		for i := range MaxRequests {
			wg.Go(func() {
				for range 5 {
					body := quoted(1 + i*MaxPiece/2 + 1)
					got, err := s.Call(t.Context(), "echo", body)
					if err != nil || !bytes.Equal(got, body) {
						t.Errorf("%d bytes: %d bytes came back, err %v", len(body), len(got), err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestTooLarge(t *testing.T) {
	huge := func(_ context.Context, name string, body json.RawMessage) (any, error) {
		return quoted(MaxMessage), nil
	}
	_, v, _, _ := connect(t, huge, nil)
	if _, err := v.Call(t.Context(), "echo", quoted(MaxMessage)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large a request: %v", err)
	}
	if err := v.Notify(t.Context(), "n", quoted(MaxMessage)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large a notice: %v", err)
	}
	var refused *signaling.CommandError
	if _, err := v.Call(t.Context(), "echo", nil); !errors.As(err, &refused) || refused.Code != CodeFailed {
		t.Errorf("too large a reply: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	var log bytes.Buffer
	handler := func(_ context.Context, name string, _ json.RawMessage) (any, error) {
		switch name {
		case "own":
			return nil, fmt.Errorf("wrapped: %w", &signaling.CommandError{Code: "low battery", Message: "charge me"})
		case "plain":
			return nil, errors.New("lens is stuck")
		case "long":
			return nil, errors.New(strings.Repeat("ä", MaxMessage))
		case "panic":
			panic("oh no")
		case "unencodable":
			return func() {}, nil
		}
		return unknown(t.Context(), name, nil)
	}
	c, v, _, _ := connect(t, handler, nil)
	c.log = slog.New(slog.NewTextHandler(&log, nil))
	for name, want := range map[string]signaling.CommandError{
		"own":         {Code: "low battery", Message: "charge me"},
		"plain":       {Code: CodeFailed, Message: "lens is stuck"},
		"long":        {Code: CodeFailed, Message: strings.Repeat("ä", maxErrorText/2) + "…"},
		"panic":       {Code: CodeFailed, Message: "internal error"},
		"unencodable": {Code: CodeFailed, Message: "the reply cannot be encoded"},
		"other":       {Code: CodeUnknown, Message: "no such command"},
	} {
		_, err := v.Call(t.Context(), name, nil)
		var got *signaling.CommandError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Call(t.Context(), "any", nil); err == nil {
		t.Error("a viewer without handler answered")
	}
	c.Close()
	if !strings.Contains(log.String(), "oh no") {
		t.Error("the panic was not logged")
	}
}

func TestNullAndMissingBodies(t *testing.T) {
	_, v, _, _ := connect(t, func(_ context.Context, _ string, body json.RawMessage) (any, error) {
		return map[string]bool{"missing": body == nil}, nil
	}, nil)
	for body, want := range map[any]string{nil: `{"missing":true}`, 0: `{"missing":false}`} {
		if got, err := v.Call(t.Context(), "x", body); err != nil || string(got) != want {
			t.Errorf("body %v: %s, %v", body, got, err)
		}
	}
	_, v, _, _ = connect(t, func(context.Context, string, json.RawMessage) (any, error) { return nil, nil }, nil)
	if got, err := v.Call(t.Context(), "x", nil); err != nil || string(got) != "null" {
		t.Errorf("nil reply: %s, %v", got, err)
	}
}

func TestBusyAndFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		down := newPipe(0) // nobody reads
		s := NewSession(down, func(context.Context, string, json.RawMessage) (any, error) {
			<-release
			return true, nil
		}, nil)
		defer s.Close()
		id := 0
		request := func() error {
			id++
			return s.Receive(fmt.Appendf(nil, `{"id":%d,"call":"wait"}`, id))
		}
		for range MaxRequests + 1 + maxRefusals {
			if err := request(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		first := <-down.queue
		if want := `{"id":9,"error":{"code":"busy","message":"8 requests are under way"}}`; string(first) != want {
			t.Errorf("got %s", first)
		}
		close(release)
		for range maxRefusals - 10 {
			<-down.queue
		}
		synctest.Wait()
		var err error
		for range 2 * (maxRefusals + MaxRequests) {
			if err = request(); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("flood: %v", err)
		}
		if err := request(); !errors.Is(err, ErrProtocol) {
			t.Errorf("after the flood: %v", err)
		}
	})
}

func TestBackPressureAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, down := newPipe(2), newPipe(2)
		v, c := NewSession(up, nil, nil), NewSession(down, echo, nil)
		defer v.Close()
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()

		// Nobody reads: the large call is stuck in its third piece.
		if _, err := v.Call(ctx, "echo", quoted(MaxMessage/2)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("call without reader: %v", err)
		}
		// So is a small one behind it, until its own time is up.
		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()
		start := time.Now()
		if err := v.Notify(short, "n", 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("notice without reader: %v after %v", err, time.Since(start))
		}
		// With a reader all goes on: the torn message is dropped.
		reading, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop()
		wg.Go(func() { _ = up.deliver(reading, c) })
		wg.Go(func() { _ = down.deliver(reading, v) })
		body := quoted(MaxMessage / 2)
		if got, err := v.Call(t.Context(), "echo", body); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("after a torn message: %d bytes, %v", len(got), err)
		}
	})
}

func TestSmallOvertakesLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := newPipe(0)
		v := NewSession(up, nil, nil)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer v.Close()
		wg.Go(func() { _ = v.Notify(t.Context(), "large", quoted(MaxMessage/2)) })
		synctest.Wait()
		wg.Go(func() { _ = v.Notify(t.Context(), "small", nil) })
		synctest.Wait()
		for i := range 4 {
			if got := <-up.queue; got[0] == kindWhole {
				return
			} else if i == 3 {
				t.Fatal("the small message waits for all of the large one")
			}
		}
	})
}

func TestCancelledCallIgnoresLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := newPipe(4)
		v := NewSession(up, nil, nil)
		defer v.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := v.Call(ctx, "slow", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if err := v.Receive([]byte(`{"id":1,"reply":1}`)); err != nil {
			t.Fatal(err)
		}
		if len(v.calls) != 0 {
			t.Error("a cancelled call is remembered")
		}
	})
}

func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, down := newPipe(0), newPipe(0)
		v := NewSession(up, nil, nil)
		c := NewSession(down, func(ctx context.Context, _ string, _ json.RawMessage) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, nil)
		errs := make(chan error, 2)
		go func() {
			_, err := v.Call(t.Context(), "wait", nil)
			errs <- err
		}()
		if err := c.Receive(<-up.queue); err != nil {
			t.Fatal(err)
		}
		go func() { errs <- v.Notify(t.Context(), "stuck", nil) }()
		synctest.Wait()
		c.Close()
		v.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
		if _, err := v.Call(t.Context(), "late", nil); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if err := v.Receive([]byte(`{}`)); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		for range v.Notices(t.Context()) {
			t.Error("a notice out of nothing")
		}
		v.Close()
	})
}

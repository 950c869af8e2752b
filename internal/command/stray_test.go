package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseDoesNotWaitForHandlers closes a session while one handler ignores its
// context and another takes a moment to return.
func TestCloseDoesNotWaitForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		release := make(chan struct{})
		s := NewSession(newPipe(0), func(ctx context.Context, name string, _ json.RawMessage) (any, error) {
			if name == "stuck" {
				<-release
			} else {
				<-ctx.Done()
				time.Sleep(strayAfter / 2)
			}
			return nil, nil
		}, slog.New(slog.NewTextHandler(&log, nil)))
		for i, name := range []string{"stuck", "slow"} {
			if err := s.Receive(fmt.Appendf(nil, `{"id":%d,"call":%q}`, i+1, name)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		began := time.Now()
		s.Close()
		s.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("Close took %v", took)
		}
		if running := s.Running(); len(running) != 2 {
			t.Errorf("%q are running", running)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if running := s.Running(); !slices.Equal(running, []string{"stuck"}) {
			t.Errorf("%q are running a minute after Close", running)
		}
		select {
		case <-s.Done():
			t.Error("done while a handler runs")
		default:
		}
		if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "commands=[stuck]") {
			t.Errorf("logged %q", text)
		}
		close(release)
		<-s.Done()
		if running := s.Running(); len(running) > 0 {
			t.Errorf("%q are running after they returned", running)
		}
	})
}

// TestHandlersThatReturnAreNoStrays has a handler that does as it should, and one
// that ends its goroutine.
func TestHandlersThatReturnAreNoStrays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := NewSession(newPipe(0), func(ctx context.Context, name string, _ json.RawMessage) (any, error) {
			if name == "exit" {
				runtime.Goexit()
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}, slog.New(slog.NewTextHandler(&log, nil)))
		for i, name := range []string{"exit", "wait"} {
			if err := s.Receive(fmt.Appendf(nil, `{"id":%d,"call":%q}`, i+1, name)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s.Close()
		<-s.Done()
		if running := s.Running(); len(running) > 0 {
			t.Errorf("%q are running", running)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if log.Len() > 0 {
			t.Errorf("logged %q", log.String())
		}
	})
}

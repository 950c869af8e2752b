package command

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
)

func TestNoticesArriveInOrder(t *testing.T) {
	c, v, _, _ := connect(t, nil, nil)
	go func() {
		for i := range 50 {
			if err := c.Notify(t.Context(), "n", i); err != nil {
				t.Error(err)
			}
		}
	}()
	next := 0
	for n := range v.Notices(t.Context()) {
		if n.Name != "n" || string(n.Body) != fmt.Sprint(next) || n.Skipped != 0 {
			t.Fatalf("got %s %s after %d skipped, want %d", n.Name, n.Body, n.Skipped, next)
		}
		if next++; next == 50 {
			break
		}
	}
}

func TestUnreadNoticesAreBounded(t *testing.T) {
	for _, tc := range []struct{ size, sent, kept int }{
		{2, 65, 64},
		{MaxMessage - 100, 5, 2},
	} {
		s := NewSession(newPipe(0), nil, nil)
		for range tc.sent {
			if err := s.Receive(fmt.Appendf(nil, `{"notice":"n","body":%s}`, quoted(tc.size))); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
		kept, skipped := 0, 0
		for n := range s.Notices(t.Context()) {
			kept++
			skipped += n.Skipped
		}
		if kept != tc.kept || skipped != tc.sent-tc.kept {
			t.Errorf("%d notices of %d bytes: %d kept, %d skipped", tc.sent, tc.size, kept, skipped)
		}
	}
}

func TestNoticesEndWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSession(newPipe(0), nil, nil)
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan int)
		go func() {
			n := 0
			for range s.Notices(ctx) {
				n++
			}
			done <- n
		}()
		synctest.Wait()
		if err := s.Receive([]byte(`{"notice":"n"}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		if n := <-done; n != 1 {
			t.Errorf("%d notices", n)
		}
	})
}

package command

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

// TestLargestWholeMessage sends notices of 16 KiB and a byte more: one message, two
// pieces.
func TestLargestWholeMessage(t *testing.T) {
	p := newPipe(3)
	s := NewSession(p, nil, nil)
	defer s.Close()
	envelope := len(`{"notice":"n","body":}`)
	for size, want := range map[int]string{16384: "{", 16385: "+."} {
		if err := s.Notify(t.Context(), "n", quoted(size-envelope)); err != nil {
			t.Fatal(err)
		}
		var kinds []byte
		for len(p.queue) > 0 {
			m := <-p.queue
			kinds = append(kinds, m[0])
			if len(m) > 16384 {
				t.Errorf("a channel message of %d bytes", len(m))
			}
		}
		if string(kinds) != want {
			t.Errorf("a notice of %d bytes goes as %q, want %q", size, kinds, want)
		}
	}
}

// TestLargestMessageTaken receives notices of 1 MiB and of a byte more, whole and in
// pieces.
func TestLargestMessageTaken(t *testing.T) {
	for size, want := range map[int]error{1 << 20: nil, 1<<20 + 1: ErrTooLarge} {
		message := []byte(`{"notice":"n","body":"` + strings.Repeat("x", size-len(`{"notice":"n","body":""}`)) + `"}`)
		whole := NewSession(newPipe(0), nil, nil)
		if err := whole.Receive(message); !errors.Is(err, want) {
			t.Errorf("%d bytes, whole: %v", size, err)
		}
		whole.Close()
		pieces := NewSession(newPipe(0), nil, nil)
		half := size / 2
		err := errors.Join(pieces.Receive(append([]byte("+"), message[:half]...)), pieces.Receive(append([]byte("."), message[half:]...)))
		if !errors.Is(err, want) {
			t.Errorf("%d bytes, in pieces: %v", size, err)
		}
		pieces.Close()
	}
}

// TestRequestWithoutAnID is no request: nothing is called and nothing answered.
func TestRequestWithoutAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(10)
		s := NewSession(p, echo, nil)
		defer s.Close()
		for _, m := range []string{`{"call":"x"}`, `{"id":0,"call":"x"}`} {
			if err := s.Receive([]byte(m)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(p.queue) > 0 {
			t.Errorf("answered %s", <-p.queue)
		}
		if err := s.Receive([]byte(`{"id":9007199254740991,"call":"x","body":1}`)); err != nil {
			t.Fatal(err)
		}
		if got := <-p.queue; !bytes.Equal(got, []byte(`{"id":9007199254740991,"reply":1}`)) {
			t.Errorf("the largest id is answered by %s", got)
		}
	})
}

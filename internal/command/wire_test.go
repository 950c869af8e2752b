package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestViolationsEndTheSession(t *testing.T) {
	piece := "+" + strings.Repeat(" ", MaxPiece-1)
	for name, in := range map[string][]string{
		"empty":               {""},
		"unknown kind":        {"hello"},
		"not JSON":            {`{"id":1,`},
		"trailing":            {`{} {}`},
		"whole too large":     {"{" + strings.Repeat(" ", MaxMessage)},
		"pieces too large":    strings.SplitAfter(strings.Repeat(piece, MaxMessage/MaxPiece+2), piece),
		"pieces not JSON":     {"+{", ".x"},
		"pieces no object":    {"+[1,", ".2]"},
		"torn, then no start": {"+{", ".", ".}"},
	} {
		s := NewSession(newPipe(0), nil, nil)
		var err error
		for _, m := range in {
			if err = s.Receive([]byte(m)); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Notify(t.Context(), "n", nil); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: sending after a violation: %v", name, err)
		}
		s.Close()
	}
}

func TestUnknownMessagesAreIgnored(t *testing.T) {
	s := NewSession(newPipe(0), nil, nil)
	defer s.Close()
	for _, m := range []string{`{}`, `{"id":7,"reply":1}`, `{"id":-1,"call":"x"}`, `{"id":"a","call":"x"}`,
		`{"call":"x"}`, `{"subscribe":"x"}`, `{"id":0,"call":"x"}`, `{"id":1.5,"reply":2}`, `.{}`, `.`} {
		if err := s.Receive([]byte(m)); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	if err := s.Receive([]byte(`{"notice":"n","new":[1],"body":{"a":1,"b":2}}`)); err != nil {
		t.Error(err)
	}
	for n := range s.Notices(t.Context()) {
		if n.Name != "n" || string(n.Body) != `{"a":1,"b":2}` {
			t.Errorf("got %q %s", n.Name, n.Body)
		}
		break
	}
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{`{"id":1,"call":"light","body":{"night":true}}`, `{"id":1,"reply":null}`, `{"id":1,"error":{"code":"busy"}}`,
		`{"notice":"motion"}`, "+{\x00.}", ".", "{\x00{}\x00+"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		down := newPipe(1 << 16)
		s := NewSession(down, echo, nil)
		var failed error
		for m := range bytes.SplitSeq(in, []byte{0}) {
			if err := s.Receive(m); failed != nil && err == nil {
				t.Fatal("a message was taken after a violation")
			} else if err != nil {
				failed = err
			}
		}
		s.Close()
		for len(down.queue) > 0 {
			if m := <-down.queue; m[0] == kindWhole && !json.Valid(m) {
				t.Fatalf("answered %q", m)
			}
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("x"), 1)
	f.Add([]byte("xyz"), MaxPiece)
	f.Fuzz(func(t *testing.T, unit []byte, times int) {
		if len(unit) == 0 || times < 1 || times > MaxMessage/len(unit) {
			return
		}
		want := bytes.Repeat(unit, times)
		var a assembler
		var got []byte
		if err := cut(want, func(p []byte) error {
			if len(p) > MaxPiece || got != nil {
				t.Fatal("bad piece")
			}
			var err error
			got, err = a.add(p)
			return err
		}); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes became %d: %v", len(want), len(got), err)
		}
	})
}

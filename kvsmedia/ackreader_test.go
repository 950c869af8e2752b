package kvsmedia

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/smithy-go"
)

// As the service writes them, and as its documentation says.
const captured = `{"EventType":"IDLE"}
{"EventType":"BUFFERING","FragmentTimecode":252467,"FragmentNumber":"91343852333181432392682062607743920146264440821"}{"EventType":"RECEIVED","FragmentTimecode":252467,"FragmentNumber":"91343852333181432392682062607743920146264440821"}
 {"Acknowledgement":{"EventType":"PERSISTED","FragmentTimecode":"252467","FragmentNumber":913438523331814323926820}}
{"EventType":"ERROR","FragmentTimecode":1597065596575,"FragmentNumber":"9134","ErrorCode":"MAX_FRAGMENT_DURATION_REACHED","ErrorId":4002}
{"EventType":"ERROR","ErrorId":"5000","ErrorCode":"INTER\"}{AL","More":{"a":[{}]}}
`

func TestAckReader(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"glued": strings.NewReader(captured),
		"split": iotest.OneByteReader(strings.NewReader(captured)),
	} {
		t.Run(name, func(t *testing.T) {
			acks := newAckReader(r)
			var got []string
			for {
				a, err := acks.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				at, ok := a.start()
				e := a.refusal()
				got = append(got, fmt.Sprintf("%v %d %t %s %d %s", a.kind(), at, ok, a.FragmentNumber, e.ID, e.Code))
			}
			want := []string{
				"IDLE 0 false  0 ",
				"BUFFERING 252467 true 91343852333181432392682062607743920146264440821 0 ",
				"RECEIVED 252467 true 91343852333181432392682062607743920146264440821 0 ",
				"PERSISTED 252467 true 913438523331814323926820 0 ",
				"ERROR 1597065596575 true 9134 4002 MAX_FRAGMENT_DURATION_REACHED",
				`ERROR 0 false  5000 INTER"}{AL`,
			}
			if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
	for in, want := range map[string]string{
		`{"EventType":"BUFF`:               "unexpected EOF",
		`[1]`:                              "want a JSON object",
		`{"EventType":7}`:                  "cannot unmarshal",
		`{"FragmentTimecode":{}}`:          "cannot unmarshal",
		`{"` + strings.Repeat("x", maxAck): "of more than",
	} {
		if _, err := newAckReader(strings.NewReader(in)).next(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30s: %v, want %q", in, err, want)
		}
	}
}

func TestRefusedError(t *testing.T) {
	err := fmt.Errorf("upload: %w", &RefusedError{ID: 4004, Code: "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS" || api.ErrorFault() != smithy.FaultClient {
		t.Errorf("%v is %v", err, api)
	}
	for id, want := range map[int]consequence{
		4000: resend, 4001: skip, 4003: resend, 4004: skip, 4008: hold, 4012: skip, 4013: skip, 4500: hold, 4507: hold, 5000: resend, 5001: resend, 0: resend,
	} {
		if got := (&RefusedError{ID: id}).consequence(); got != want {
			t.Errorf("%d: %d, want %d", id, got, want)
		}
	}
}

func FuzzAcks(f *testing.F) {
	f.Add([]byte(captured))
	f.Add([]byte(`{"EventType":"ERROR","ErrorId":4004,"FragmentTimecode":null}`))
	f.Add([]byte(`{"a":"\"{"}{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(r io.Reader) (list []wireAck, err error) {
			acks := newAckReader(r)
			for {
				a, err := acks.next()
				if err != nil {
					return list, err
				}
				if _, ok := a.start(); ok && a.FragmentTimecode == "" {
					t.Fatal("a timecode out of nothing")
				}
				_ = a.refusal().Error()
				list = append(list, a)
			}
		}
		whole, err := read(bytes.NewReader(b))
		pieces, err2 := read(iotest.OneByteReader(bytes.NewReader(b)))
		if fmt.Sprint(whole, err) != fmt.Sprint(pieces, err2) {
			t.Fatalf("%v, %v in one piece; %v, %v byte by byte", whole, err, pieces, err2)
		}
	})
}

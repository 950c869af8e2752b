package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Firmware whose encoder writes to a pipe makes frames of it.
func ExampleAccessUnits() {
	pipe := bytes.NewReader([]byte{
		0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 0x88, // SPS, PPS, IDR
		0, 0, 0, 1, 0x41, 0x9a, // P
	})
	for data, err := range kvsmedia.AccessUnits(pipe, kvsmedia.H264) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%x\n", data)
	}
	// Output:
	// 0000000167420000000168ce0000016588
	// 00000001419a
}

func TestAccessUnits(t *testing.T) {
	s := testmedia.NewNoise()
	var stream []byte
	var want [][]byte
	for range 30 {
		f := s.Next()
		want, stream = append(want, f.Data), append(stream, f.Data...)
	}
	broken := errors.New("the encoder has died")
	var got [][]byte
	units := kvsmedia.AccessUnits(io.MultiReader(iotest.HalfReader(bytes.NewReader(stream)), iotest.ErrReader(broken)), kvsmedia.H264)
	for data, err := range units {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, data); len(got) == 10 {
			break
		}
	}
	var last error
	for data, err := range units { // goes on
		if last = err; err == nil {
			got = append(got, data)
		}
	}
	if !errors.Is(last, broken) || len(got) != 29 {
		t.Errorf("%d access units, then %v", len(got), last)
	}
	for i, data := range got { // all are still what they were
		if !bytes.Equal(data, want[i]) {
			t.Errorf("access unit %d is another", i)
		}
	}

	n := 0
	for data, err := range kvsmedia.AccessUnits(bytes.NewReader(stream), kvsmedia.H264) {
		if n++; err != nil || data == nil {
			t.Fatalf("access unit %d: %v", n, err)
		}
	}
	if n != 30 {
		t.Errorf("%d access units up to the end, want 30", n)
	}
}

func TestAccessUnitsRefuse(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("\x00\x00\x01\x65"), io.LimitReader(ones{}, 40<<20))
	for name, c := range map[string]struct {
		r     io.Reader
		codec kvsmedia.Codec
		want  string
	}{
		"sound":   {strings.NewReader("x"), kvsmedia.Opus, "want H264 or H265"},
		"no end":  {endless, kvsmedia.H264, "more than 8388608 bytes"},
		"nothing": {strings.NewReader("ftypisom"), kvsmedia.H264, ""},
	} {
		var errs []string
		for data, err := range kvsmedia.AccessUnits(c.r, c.codec) {
			if err == nil || data != nil {
				t.Fatalf("%s: %d bytes", name, len(data))
			}
			errs = append(errs, err.Error())
		}
		if all := strings.Join(errs, "; "); !strings.Contains(all, c.want) || (c.want == "") != (all == "") || len(errs) > 1 {
			t.Errorf("%s: %q, want %q", name, all, c.want)
		}
	}
}

// ones is an endless stream of ones.
type ones struct{}

func (ones) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 1
	}
	return len(b), nil
}

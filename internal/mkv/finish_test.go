package mkv

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"
	"time"
)

// The bytes are those of RFC 9559, sections 5.1.1, 5.1.2.10 and 5.1.5.
func TestFinishBytes(t *testing.T) {
	for name, at := range map[string]struct {
		got  []byte
		want string
	}{
		"SeekHead": {AppendSeekHead(nil, Seek{IDCues, 0x010203}), "114d9b74" + "10000014" + "4dbb" + "1000000e" + "53ab84" + "1c53bb6b" + "53ac84" + "00010203"},
		"Cues": {AppendCues(nil, 2, []Cue{{1000, 300}, {2000, 70000}}), "1c53bb6b" + "1000002b" +
			"bb" + "10000010" + "b382" + "03e8" + "b7" + "10000007" + "f781" + "02" + "f182" + "012c" +
			"bb" + "10000011" + "b382" + "07d0" + "b7" + "10000008" + "f781" + "02" + "f183" + "011170"},
	} {
		if got := hex.EncodeToString(at.got); got != at.want {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, at.want)
		}
	}
}

// Info with a duration is as long as without one, and reads back.
func TestAppendDuration(t *testing.T) {
	info := AppendInfo(nil, &Info{MuxingApp: "m"})
	for _, d := range []time.Duration{0, ms, 24*time.Hour + ms} {
		b := AppendDuration(AppendHeader(nil, 2), info, d)
		if n := len(AppendDuration(AppendHeader(nil, 2), info, 0)); len(b) != n {
			t.Errorf("%v: %d bytes, %d without", d, len(b), n)
		}
		got, _, err := all(bytes.NewReader(b))
		if err != io.EOF || len(got) != 2 || got[1].(*Info).Duration != d || got[1].(*Info).MuxingApp != "m" {
			t.Errorf("%v: %+v %v", d, got, err)
		}
	}
}

// Room has the length asked for, and is one Void.
func TestAppendRoom(t *testing.T) {
	for _, n := range []int{2, 3, 11, 128, 129, 130, 4096, 16385} {
		b := AppendRoom([]byte{7}, n)[1:]
		if h, ok := ParseHead(b); len(b) != n || !ok || h.ID != IDVoid || h.Len+int(h.Size) != n {
			t.Errorf("%d: %d bytes, %+v", n, len(b), h)
		}
	}
}

package picture

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// file is a file in memory.
type file struct {
	storage.File
	b []byte
}

func (f file) Size() (int64, error)                   { return int64(len(f.b)), nil }
func (f file) ReadAt(b []byte, at int64) (int, error) { return bytes.NewReader(f.b).ReadAt(b, at) }

func TestFile(t *testing.T) {
	jpeg := append([]byte{0xff, 0xd8, 0xff}, bytes.Repeat([]byte{7}, 300)...)
	want := Origin{Seq: 1 << 40, Clip: [16]byte{1, 2}, Event: []byte(`{"id":"x"}`)}
	content := File(jpeg, want)
	got, o, err := Read(file{b: content})
	if err != nil || !bytes.Equal(got, jpeg) || o.Seq != want.Seq || o.Clip != want.Clip || !bytes.Equal(o.Event, want.Event) || len(content) != len(jpeg)+Tail {
		t.Errorf("%v %+v", err, o)
	}
	if !bytes.HasPrefix(content, jpeg) {
		t.Error("a viewer of pictures finds no JPEG")
	}
	for i := range content { // a bit, or everything from there on
		bad := bytes.Clone(content)
		bad[i] ^= 4
		for _, b := range [][]byte{bad, content[:i], append(bytes.Clone(content[:i]), make([]byte, len(content)-i)...)} {
			if bytes.Equal(b, content) {
				continue
			}
			if _, _, err := Read(file{b: b}); !errors.Is(err, ErrNone) {
				t.Fatalf("damaged at %d: %v", i, err)
			}
		}
	}
	if _, _, err := Read(file{b: make([]byte, MaxBytes+Tail+1)}); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	whole := "\xff\xd8\xff\xe0...\xff\xd9"
	for jpeg, want := range map[string]string{
		whole: "", whole + "\x00\x00": "", "": "no JPEG", "\x89PNG": "begin with FF D8 FF", whole[:6]: "end with FF D9", whole[1:]: "begin with",
		whole + strings.Repeat("\x00", MaxBytes): "it has 1048585 bytes: allowed are up to 1048576",
	} {
		err := Check([]byte(jpeg))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.20q: %v", jpeg, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(File([]byte{0xff, 0xd8, 0xff, 0xd9}, Origin{Seq: 1}))
	f.Add([]byte(mark))
	f.Fuzz(func(t *testing.T, b []byte) {
		jpeg, o, err := Read(file{b: b})
		if err != nil {
			return
		}
		again, p, err := Read(file{b: File(jpeg, o)})
		if err != nil || !bytes.Equal(again, jpeg) || p.Seq != o.Seq || p.Clip != o.Clip || !bytes.Equal(p.Event, o.Event) {
			t.Errorf("%+v became %+v, %v", o, p, err)
		}
	})
}

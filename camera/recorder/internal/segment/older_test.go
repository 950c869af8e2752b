package segment_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// older returns a file that firmware before labels has closed.
func older(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "older.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Files of older firmware are read, and closed as it does.
func TestOlderFile(t *testing.T) {
	b, fs := older(t), tiny(2*time.Second, 1)
	for _, find := range []func(storage.File) (*segment.Content, error){segment.Scan, segment.Open} {
		c, err := find(&mem{b})
		if err != nil || !c.Closed {
			t.Fatalf("%+v %v", c, err)
		}
		same(t, read(t, whole(&mem{b}, c)), fs, 0)
		f := &mem{append(bytes.Clone(b[:c.Length]), make([]byte, 9000)...)}
		if c, err = find(f); err != nil || c.Closed {
			t.Fatalf("as a crash left it: %+v %v", c, err)
		}
		if err := segment.Repair(f, nothing, c); err != nil || !bytes.Equal(f.b, b) {
			t.Errorf("closed it has %d bytes, %v; want %d", len(f.b), err, len(b))
		}
	}
}

// Older firmware finds a file whole, which takes the label for footage: the checksums of the
// first block and of the index hold for the bytes as they are, while the file grows and when
// it is closed. A file that older firmware closed is left as it is.
func TestOlderFirmware(t *testing.T) {
	table := crc32.MakeTable(crc32.Castagnoli)
	fs := tiny(5*time.Second, 1)
	w, m := create(t, fs[0].Track, fs[1].Track)
	add(t, w, fs...)
	if err := w.Commit(base, true); err != nil {
		t.Fatal(err)
	}
	block := func(b []byte) {
		t.Helper()
		end := bytes.Index(b, []byte("smcblock")) + 52
		if crc32.Checksum(b[:end-4], table) != binary.BigEndian.Uint32(b[end-4:]) {
			t.Error("the first block has another checksum")
		}
	}
	block(m.b)
	grows := bytes.Clone(m.b)
	length := w.Content().Length
	if err := w.Close(base); err != nil {
		t.Fatal(err)
	}
	block(m.b)
	c, err := segment.Open(m)
	if err != nil || bytes.Equal(m.b[page:2*page], grows[page:2*page]) {
		t.Fatal(err)
	}
	index := func(b []byte) []byte { return b[len(b)-int(binary.BigEndian.Uint32(b[len(b)-4:])):] }
	i := index(m.b)
	at := bytes.Index(i, []byte("smcindex"))
	if crc32.Checksum(m.b[:c.Clusters[0].Offset], table) != binary.BigEndian.Uint32(i[at+24:]) || int(binary.BigEndian.Uint32(i[at+28:])) != len(m.b)-len(i) {
		t.Error("the index is of another head, or does not follow the last block")
	}
	closed, err := segment.Scan(&mem{grows[:length]})
	if err != nil {
		t.Fatal(err)
	}
	f := &mem{append(grows[:length:length], segment.Index(closed)...)}
	for _, find := range []func(storage.File) (*segment.Content, error){segment.Scan, segment.Open} {
		if c, err := find(f); err != nil || !c.Closed {
			t.Errorf("closed by older firmware: %+v %v", c, err)
		}
	}
}

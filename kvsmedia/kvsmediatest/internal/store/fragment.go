package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Fragment is one fragment that was received whole. It is immutable.
//
// It is stored as a Matroska document of its own: the producer's header, the
// cluster and the tags that follow it, byte for byte as they came. Of a stored
// fragment the name of its file says everything else.
type Fragment struct {
	Number           string
	Producer, Server time.Time // to the millisecond
	Timecode         uint64
	Length           time.Duration
	Header, Cluster  int64 // sizes of these parts
	Trailer          int64

	Stored   time.Time // zero if that was before a restart
	Archived bool      // else in the host buffer
	path     string    // of its file; empty: data holds it
	data     []byte

	parsed sync.Once
	tracks mkv.Tracks // nil if they cannot be read
}

// Tracks returns the tracks of the fragment's document.
func (f *Fragment) Tracks() mkv.Tracks {
	f.parsed.Do(func() {
		_ = f.Elements(func(e mkv.Element) bool { // unreadable: no tracks
			tracks, ok := e.(mkv.Tracks)
			if ok {
				f.tracks = tracks
			}
			return !ok
		})
	})
	return f.tracks
}

// Elements calls yield for each element of the document until it returns false.
func (f *Fragment) Elements(yield func(mkv.Element) bool) error {
	file, err := f.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	for r := mkv.NewReader(file); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !yield(e) {
			return nil
		}
	}
}

// Size returns the size of the document, in bytes.
func (f *Fragment) Size() int64 { return f.Header + f.Cluster + f.Trailer }

// Open returns the document.
func (f *Fragment) Open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	return os.Open(f.path)
}

func (f *Fragment) remove() {
	if f.path != "" {
		_ = os.Remove(f.path) // what stays is dropped again after a restart
	}
}

// fileExt is that of stored fragments; of those under way it is partExt.
const (
	fileExt = ".mkv"
	partExt = ".part"
)

// fileName holds all that is known of a fragment.
func (f *Fragment) fileName() string {
	return fmt.Sprintf("%s_%d_%d_%d_%d_%d_%d_%d%s", f.Number, f.Server.UnixMilli(), f.Producer.UnixMilli(),
		f.Timecode, f.Length.Milliseconds(), f.Header, f.Cluster, f.Trailer, fileExt)
}

// parseFileName is the opposite of fileName; the file has size bytes.
func parseFileName(path string, size int64) (*Fragment, bool) {
	f := &Fragment{path: path, Archived: true}
	name, ok := strings.CutSuffix(filepath.Base(path), fileExt)
	number, rest, found := strings.Cut(name, "_")
	if !ok || !found {
		return nil, false
	}
	var server, producer, length int64
	n, err := fmt.Sscanf(rest, "%d_%d_%d_%d_%d_%d_%d", &server, &producer, &f.Timecode, &length, &f.Header, &f.Cluster, &f.Trailer)
	f.Number = number
	f.Server, f.Producer = time.UnixMilli(server), time.UnixMilli(producer)
	f.Length = time.Duration(length) * time.Millisecond
	return f, err == nil && n == 7 && f.Size() == size && f.Header > 0 && f.Cluster > 0 && f.Trailer >= 0
}

// NextNumber returns the number of the stream's next fragment, in the form of the
// service's: 2^156, a count times 2^92, the server's milliseconds times 2^28, and
// bits without meaning. Numbers grow in the order of ingestion (Fragment).
func (st *Stream) NextNumber(server time.Time) string {
	st.store.mu.Lock()
	st.count++
	count := st.count
	st.store.mu.Unlock()
	n := new(big.Int).Lsh(big.NewInt(1), 156)
	n.Add(n, new(big.Int).Lsh(big.NewInt(count), 92))
	n.Add(n, new(big.Int).Lsh(big.NewInt(server.UnixMilli()), 28))
	return n.Add(n, big.NewInt(rand.Int64N(1<<28))).String()
}

// countOf returns the count in a number, 0 if it has none.
func countOf(number string) int64 {
	n, ok := new(big.Int).SetString(number, 10)
	if !ok || n.BitLen() != 157 {
		return 0
	}
	return new(big.Int).Rsh(n.SetBit(n, 156, 0), 92).Int64()
}

// Compare orders fragments as they came, also when the server's clock was set back in
// between. All numbers have 47 digits.
func Compare(a, b *Fragment) int { return cmp.Compare(a.Number, b.Number) }

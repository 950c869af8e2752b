package kvsmediatest

import (
	"bytes"
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

// fragment is one fragment that was received whole. It is immutable.
//
// It is stored as a Matroska document of its own: the producer's header, the
// cluster and the tags that follow it, byte for byte as they came. Of a stored
// fragment the name of its file says everything else.
type fragment struct {
	number           string
	producer, server time.Time // to the millisecond
	timecode         uint64
	length           time.Duration
	header, cluster  int64 // sizes of these parts
	trailer          int64

	stored   time.Time // zero if that was before a restart
	archived bool      // else in the host buffer
	path     string    // of its file; empty: data holds it
	data     []byte

	parsed sync.Once
	tracks mkv.Tracks // nil if they cannot be read
}

// list returns the tracks of the fragment's document.
func (f *fragment) list() mkv.Tracks {
	f.parsed.Do(func() {
		_ = f.elements(func(e mkv.Element) bool { // unreadable: no tracks
			tracks, ok := e.(mkv.Tracks)
			if ok {
				f.tracks = tracks
			}
			return !ok
		})
	})
	return f.tracks
}

// elements calls yield for each element of the document until it returns false.
func (f *fragment) elements(yield func(mkv.Element) bool) error {
	file, err := f.open()
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

func (f *fragment) size() int64 { return f.header + f.cluster + f.trailer }

// open returns the document.
func (f *fragment) open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	return os.Open(f.path)
}

func (f *fragment) remove() {
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
func (f *fragment) fileName() string {
	return fmt.Sprintf("%s_%d_%d_%d_%d_%d_%d_%d%s", f.number, f.server.UnixMilli(), f.producer.UnixMilli(),
		f.timecode, f.length.Milliseconds(), f.header, f.cluster, f.trailer, fileExt)
}

// parseFileName is the opposite of fileName; the file has size bytes.
func parseFileName(path string, size int64) (*fragment, bool) {
	f := &fragment{path: path, archived: true}
	name, ok := strings.CutSuffix(filepath.Base(path), fileExt)
	number, rest, found := strings.Cut(name, "_")
	if !ok || !found {
		return nil, false
	}
	var server, producer, length int64
	n, err := fmt.Sscanf(rest, "%d_%d_%d_%d_%d_%d_%d", &server, &producer, &f.timecode, &length, &f.header, &f.cluster, &f.trailer)
	f.number = number
	f.server, f.producer = time.UnixMilli(server), time.UnixMilli(producer)
	f.length = time.Duration(length) * time.Millisecond
	return f, err == nil && n == 7 && f.size() == size && f.header > 0 && f.cluster > 0 && f.trailer >= 0
}

// fragmentNumber returns a number in the form of the service's: 2^156, the count
// within the connection times 2^92, the server's milliseconds times 2^28, and
// bits without meaning.
func fragmentNumber(count int, server time.Time) string {
	n := new(big.Int).Lsh(big.NewInt(1), 156)
	n.Add(n, new(big.Int).Lsh(big.NewInt(int64(count)), 92))
	n.Add(n, new(big.Int).Lsh(big.NewInt(server.UnixMilli()), 28))
	return n.Add(n, big.NewInt(rand.Int64N(1<<28))).String()
}

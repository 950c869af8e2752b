package s3test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

const maxBuckets = 100

// object is an object as it is kept, with its data in memory or in a file. It does not
// change any more.
type object struct {
	Key, ContentType, ETag string
	Metadata               map[string]string
	Modified               time.Time
	Sequence               uint64 // of writes to the bucket
	Size                   int    // bytes
	File                   string `json:",omitempty"` // name of that of the data

	path string
	data []byte
}

func (o *object) read() ([]byte, error) {
	if o.path == "" {
		return o.data, nil
	}
	return os.ReadFile(o.path)
}

// bucket is a bucket as it is kept.
type bucket struct {
	Name string
	BucketConfig

	dir      string // of the data; empty without a store's directory
	folder   *double.Folder
	objects  map[string]*object
	sequence uint64
}

// store keeps buckets, in a directory or in memory.
type store struct {
	dir    string
	most   int // objects of a bucket; 0 for any number
	now    func() time.Time
	folder *double.Folder // of the buckets

	mu      sync.RWMutex
	buckets map[string]*bucket
}

func openStore(dir string, most int, now func() time.Time) (*store, error) {
	s := &store{dir: dir, most: most, now: now, buckets: map[string]*bucket{}}
	if dir == "" {
		return s, nil
	}
	var err error
	if s.folder, err = double.OpenFolder(filepath.Join(dir, "buckets"), maxBuckets); err != nil {
		return nil, err
	}
	return s, s.folder.Load(func(content []byte) (string, error) {
		var b bucket
		if err := json.Unmarshal(content, &b); err != nil {
			return "", err
		}
		if !bucketName.MatchString(b.Name) {
			return "", errors.New("it is no bucket")
		}
		if err := s.open(&b); err != nil {
			return "", err
		}
		s.buckets[b.Name] = &b
		return b.Name, nil
	})
}

// open reads what is kept of a bucket's objects.
func (s *store) open(b *bucket) error {
	b.objects = map[string]*object{}
	if s.dir == "" {
		return nil
	}
	b.dir = filepath.Join(s.dir, b.Name)
	most := s.most
	if most == 0 {
		most = 1 << 30
	}
	var err error
	if b.folder, err = double.OpenFolder(filepath.Join(b.dir, "objects"), most); err != nil {
		return err
	}
	files := map[string]bool{"objects": true}
	err = b.folder.Load(func(content []byte) (string, error) {
		var o object
		if err := json.Unmarshal(content, &o); err != nil {
			return "", err
		}
		if o.File == "" || o.File != filepath.Base(o.File) {
			return "", errors.New("it names no file")
		}
		o.path = filepath.Join(b.dir, o.File)
		b.objects[o.Key], files[o.File] = &o, true
		b.sequence = max(b.sequence, o.Sequence)
		return o.Key, nil
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(b.dir)
	for _, e := range entries { // of a write that was cut off before it was kept
		if !files[e.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(b.dir, e.Name())))
		}
	}
	return err
}

// addBucket makes a bucket, or changes its configuration.
func (s *store) addBucket(name string, cfg BucketConfig) (isNew bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.buckets[name]
	if before == nil && len(s.buckets) >= maxBuckets {
		return false, fmt.Errorf("there are %d buckets already", maxBuckets)
	}
	b := &bucket{Name: name, BucketConfig: cfg}
	if err := s.folder.Save(name, b); err != nil {
		return false, err
	}
	if before != nil {
		before.BucketConfig = cfg
		return false, nil
	}
	if err := s.open(b); err != nil {
		return false, err
	}
	s.buckets[name] = b
	return true, nil
}

// bucket returns the configuration of a bucket, nil if there is none.
func (s *store) bucket(name string) *BucketConfig {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if b := s.buckets[name]; b != nil {
		cfg := b.BucketConfig
		return &cfg
	}
	return nil
}

// list returns the objects of a bucket by their keys.
func (s *store) list(name string) []*object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[name]
	if b == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(b.objects), func(x, y *object) int { return strings.Compare(x.Key, y.Key) })
}

func (s *store) get(name, key string) (*object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[name]
	if b == nil {
		return nil, noSuchBucket()
	}
	if o := b.objects[key]; o != nil {
		return o, nil
	}
	return nil, noSuchKey()
}

// put keeps an object, if condition, which is not nil, holds for what was there before. When
// it returns the object is durable.
func (s *store) put(name string, o *object, data []byte, condition func(before *object) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return noSuchBucket()
	}
	before := b.objects[o.Key]
	if condition != nil {
		if err := condition(before); err != nil {
			return err
		}
	}
	if before == nil && s.most > 0 && len(b.objects) >= s.most {
		return awsapitest.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "The stand-in holds %d objects of the bucket already.", s.most)
	}
	b.sequence++
	o.Sequence, o.Modified = b.sequence, s.now().UTC().Truncate(time.Second)
	if b.dir == "" {
		o.data = data
	} else {
		o.File = fmt.Sprintf("%s.%d%s", double.FileName(o.Key), o.Sequence, extension(o.ContentType))
		o.path = filepath.Join(b.dir, o.File)
		if err := double.WriteFile(o.path, data); err != nil {
			return err
		}
		if err := b.folder.Save(o.Key, o); err != nil {
			return err
		}
	}
	b.objects[o.Key] = o
	before.drop()
	return nil
}

// remove forgets an object, and returns it.
func (s *store) remove(name, key string) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return nil, noSuchBucket()
	}
	o := b.objects[key]
	if o == nil {
		return nil, nil
	}
	if err := b.folder.Remove(key); err != nil {
		return nil, err
	}
	b.sequence++
	delete(b.objects, key)
	o.drop()
	return &object{Key: key, Sequence: b.sequence}, nil
}

// drop removes the data of an object that is no more.
func (o *object) drop() {
	if o != nil && o.path != "" {
		_ = os.Remove(o.path) // what stays is removed after a restart
	}
}

// extension lets a person open what is kept.
func extension(contentType string) string {
	switch contentType {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	}
	return ".bin"
}

package kvsmediatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Image is an image that the service delivers, as S3 gets it.
type Image struct {
	Principal   string // who uploaded the fragment: with whose rights the image is put
	Bucket, Key string
	ContentType string
	Metadata    map[string]string
	Data        []byte
}

// Notification is a message that the service publishes, as SNS gets it.
type Notification struct {
	TopicARN, Subject string
	Message           string // JSON
}

// AddSnapshot says what the picture of a stream is like from the producer time given on:
// for the images of tagged fragments and for GetImages, up to the next snapshot and for ten
// seconds at most. So a source that brings snapshots beside its film needs no ffmpeg. The
// newest ones are kept, 64 MB in all. The error is of what is no JPEG.
func (s *Service) AddSnapshot(stream string, at time.Time, jpeg []byte) error {
	if err := s.images.AddSnapshot(stream, at, jpeg); err != nil {
		return fmt.Errorf("kvsmediatest: a snapshot of %s: %w", stream, err)
	}
	return nil
}

// Folder returns a store of images for Config.PutImage: a file in the folder for
// each, at bucket and key, and its metadata in another one whose name ends in
// .json.
func Folder(dir string) func(Image) error {
	return func(i Image) error {
		path := filepath.Join(dir, filepath.FromSlash(i.Bucket), filepath.FromSlash(i.Key))
		if !filepath.IsLocal(filepath.Join(filepath.FromSlash(i.Bucket), filepath.FromSlash(i.Key))) {
			return fmt.Errorf("kvsmediatest: the key %q leads out of the folder", i.Key)
		}
		metadata, err := json.MarshalIndent(i.Metadata, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return errors.Join(os.WriteFile(path, i.Data, 0o600), os.WriteFile(path+".json", append(metadata, '\n'), 0o600))
	}
}

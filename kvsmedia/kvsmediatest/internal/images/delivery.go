package kvsmediatest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// maxJobs bounds the fragments that wait for their images.
const maxJobs = 64

// Image is an image that the service delivers, as S3 gets it.
type Image struct {
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

// feature returns the pairs that stand beside the tag that asks for a feature.
func feature(tags mkv.Tags, name string) (pairs map[string]string, asked bool) {
	pairs = map[string]string{}
	for _, t := range tags {
		own := map[string]string{}
		found := false
		for _, p := range t.Simple {
			if found = found || p.Name == name; !strings.HasPrefix(p.Name, tagPrefix) || p.Name == tagImagePrefix {
				own[p.Name] = p.String
			}
		}
		if found {
			asked = true
			for k, v := range own {
				pairs[k] = v
			}
		}
	}
	return pairs, asked
}

// deliver does what the tags of a stored fragment ask for.
func (s *Service) deliver(st *stream, f *fragment, tags mkv.Tags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	acts := func(since time.Time) bool { return now.Sub(since) >= s.cfg.Timing.Configure }
	if !f.archived || s.closed {
		return
	}
	if payload, ok := feature(tags, tagNotification); ok && st.Notifications != nil && st.Notifications.Status == "ENABLED" && acts(st.NotificationsSince) {
		delete(payload, tagImagePrefix)
		topic, arn := st.Notifications.DestinationConfig.Uri, st.ARN
		s.wg.Go(func() { s.publish(st.Name, arn, topic, f, payload) })
	}
	if metadata, ok := feature(tags, tagImage); ok && st.Images != nil && st.Images.Status == "ENABLED" && acts(st.ImagesSince) {
		if s.jobs >= maxJobs {
			s.noteLocked(Event{Name: "Image", Stream: st.Name, Fragment: f.number, Detail: "too many fragments wait for their images"})
			return
		}
		s.jobs++
		cfg, name := *st.Images, st.Name
		s.wg.Go(func() {
			err := s.makeImages(name, &cfg, f, metadata)
			s.mu.Lock()
			s.jobs--
			s.mu.Unlock()
			if err != nil {
				s.note(Event{Name: "Image", Stream: name, Fragment: f.number, Detail: err.Error()})
			}
		})
	}
}

func (s *Service) publish(stream, arn, topic string, f *fragment, payload map[string]string) {
	message, err := json.Marshal(struct {
		StreamArn                      string
		FragmentNumber                 string
		FragmentStartProducerTimestamp int64 // ms
		FragmentStartServerTimestamp   int64
		NotificationType               string
		NotificationPayload            map[string]string
	}{arn, f.number, f.producer.UnixMilli(), f.server.UnixMilli(), "PERSISTED", payload})
	if err == nil && s.cfg.Notify != nil {
		err = s.cfg.Notify(Notification{topic, "Kinesis Video Streams Notification", string(message)})
	}
	e := Event{Name: "Notification", Stream: stream, Fragment: f.number}
	if err != nil {
		e.Detail = err.Error()
	}
	s.note(e)
}

// makeImages makes a fragment's images and hands them on.
func (s *Service) makeImages(stream string, cfg *imageConfig, f *fragment, metadata map[string]string) error {
	put := s.cfg.PutImage
	if put == nil && s.cfg.Dir != "" {
		put = Folder(filepath.Join(s.cfg.Dir, "images"))
	}
	if put == nil {
		return errors.New("the service has no store for images: set Config.PutImage")
	}
	frames, err := f.frameTimes()
	if err != nil {
		return err
	}
	var indexes []int
	step := time.Duration(cfg.SamplingInterval) * time.Millisecond
	for i, t := range frames {
		if len(indexes) == 0 || t-frames[indexes[len(indexes)-1]] >= step {
			indexes = append(indexes, i)
		}
	}
	files, err := s.pictures(s.ctx, f, indexes, cfg.imageForm())
	if err != nil {
		return err
	}
	bucket, prefix := destinationOf(cfg.DestinationConfig.Uri)
	if own := metadata[tagImagePrefix]; own != "" {
		prefix += own + "_"
	}
	delete(metadata, tagImagePrefix)
	metadata["aws_kinesisvideo_fragment_number"] = f.number
	at, err := stamp(cfg.ImageSelectorType)
	if err != nil {
		return err
	}
	kind, ext := "image/jpeg", "jpg"
	if cfg.Format == "PNG" {
		kind, ext = "image/png", "png"
	}
	for i, data := range files {
		offset := frames[indexes[i]]
		own := map[string]string{
			"aws_kinesisvideo_producer_timestamp": strconv.FormatInt(f.producer.Add(offset).UnixMilli(), 10),
			"aws_kinesisvideo_server_timestamp":   strconv.FormatInt(f.server.Add(offset).UnixMilli(), 10),
		}
		for k, v := range metadata {
			own[strings.ToLower(k)] = v
		}
		key := fmt.Sprintf("%s%s_%s_%d_%s.%s", prefix, s.cfg.Account, stream, at(f).Add(offset).UnixMilli(), guid(), ext)
		if err := put(Image{bucket, key, kind, own, data}); err != nil {
			return err
		}
		s.note(Event{Name: "Image", Stream: stream, Fragment: f.number})
	}
	return nil
}

// destinationOf takes a URI such as s3://bucket/prefix apart. No slash is put
// behind the prefix.
func destinationOf(uri string) (bucket, prefix string) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", ""
	}
	if prefix = strings.TrimPrefix(u.Path, "/"); prefix != "" {
		prefix += "_"
	}
	return u.Host, prefix
}

func guid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

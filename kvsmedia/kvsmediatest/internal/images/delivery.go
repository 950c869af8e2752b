package images

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxJobs bounds the fragments that wait for their images.
const maxJobs = 64

// Image is an image that the service delivers, as S3 gets it.
type Image struct {
	Principal   string
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

// feature returns the pairs that stand beside the tag that asks for a feature.
func feature(tags mkv.Tags, name string) (pairs map[string]string, asked bool) {
	pairs = map[string]string{}
	for _, t := range tags {
		own := map[string]string{}
		found := false
		for _, p := range t.Simple {
			if found = found || p.Name == name; !strings.HasPrefix(p.Name, ingest.TagPrefix) || p.Name == ingest.TagImagePrefix {
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

// Deliver does what the tags of a stored fragment ask for, with the rights of the principal
// that has uploaded it.
func (m *Maker) Deliver(st *store.Stream, f *store.Fragment, tags mkv.Tags, principal string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !f.Archived || m.cfg.Core.Context().Err() != nil {
		return
	}
	d, now := st.Describe(), m.cfg.Now()
	acts := func(since time.Time) bool { return now.Sub(since) >= m.cfg.Configure }
	if payload, ok := feature(tags, ingest.TagNotification); ok && d.Notifications != nil && d.Notifications.Status == "ENABLED" && acts(d.NotificationsSince) {
		delete(payload, ingest.TagImagePrefix)
		m.cfg.Core.Go("a notification of "+d.Name, func() { m.publish(&d, f, payload) })
	}
	if metadata, ok := feature(tags, ingest.TagImage); ok && d.Images != nil && d.Images.Status == "ENABLED" && acts(d.ImagesSince) {
		if m.jobs >= maxJobs {
			m.cfg.Core.Note(double.Event{Name: "Image", On: d.Name, Part: f.Number, Detail: "too many fragments wait for their images"})
			return
		}
		m.jobs++
		m.cfg.Core.Go("images of "+d.Name, func() {
			err := m.makeImages(&d, f, metadata, principal)
			m.mu.Lock()
			m.jobs--
			m.mu.Unlock()
			if err != nil {
				m.cfg.Core.Note(double.Event{Name: "Image", On: d.Name, Part: f.Number, Detail: err.Error()})
			}
		})
	}
}

func (m *Maker) publish(d *store.Description, f *store.Fragment, payload map[string]string) {
	message, err := json.Marshal(struct {
		StreamArn                      string
		FragmentNumber                 string
		FragmentStartProducerTimestamp int64 // ms
		FragmentStartServerTimestamp   int64
		NotificationType               string
		NotificationPayload            map[string]string
	}{d.ARN, f.Number, f.Producer.UnixMilli(), f.Server.UnixMilli(), "PERSISTED", payload})
	if err == nil && m.cfg.Notify != nil {
		err = m.cfg.Notify(Notification{d.Notifications.DestinationConfig.Uri, "Kinesis Video Streams Notification", string(message)})
	}
	e := double.Event{Name: "Notification", On: d.Name, Part: f.Number}
	if err != nil {
		e.Detail = err.Error()
	}
	m.cfg.Core.Note(e)
}

// makeImages makes a fragment's images and hands them on.
func (m *Maker) makeImages(d *store.Description, f *store.Fragment, metadata map[string]string, principal string) error {
	stream, cfg := d.Name, d.Images
	if m.cfg.Put == nil {
		return errors.New("the service has no store for images: set Config.PutImage")
	}
	frames, err := frameTimes(f)
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
	files, err := m.pictures(m.cfg.Core.Context(), stream, f, frames, indexes, FormOf(cfg))
	if err != nil {
		return err
	}
	bucket, prefix := destinationOf(cfg.DestinationConfig.Uri)
	if own := metadata[ingest.TagImagePrefix]; own != "" {
		prefix += own + "_"
	}
	delete(metadata, ingest.TagImagePrefix)
	metadata["aws_kinesisvideo_fragment_number"] = f.Number
	at, err := api.Stamp(cfg.ImageSelectorType)
	if err != nil {
		return err
	}
	kind, ext := "image/jpeg", "jpg"
	if cfg.Format == "PNG" {
		kind, ext = "image/png", "png"
	}
	for i, data := range files {
		if data == nil {
			continue // there is no snapshot of it, and no ffmpeg
		}
		offset := frames[indexes[i]]
		own := map[string]string{
			"aws_kinesisvideo_producer_timestamp": strconv.FormatInt(f.Producer.Add(offset).UnixMilli(), 10),
			"aws_kinesisvideo_server_timestamp":   strconv.FormatInt(f.Server.Add(offset).UnixMilli(), 10),
		}
		for k, v := range metadata {
			own[strings.ToLower(k)] = v
		}
		key := fmt.Sprintf("%s%s_%s_%d_%s.%s", prefix, m.cfg.Account, stream, at(f).Add(offset).UnixMilli(), guid(), ext)
		if err := m.cfg.Put(Image{principal, bucket, key, kind, own, data}); err != nil {
			return err
		}
		m.cfg.Core.Note(double.Event{Name: "Image", On: stream, Part: f.Number})
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

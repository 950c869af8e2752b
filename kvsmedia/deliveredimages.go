package kvsmedia

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EventTag is the name of the tag that says which events a fragment shows: their IDs, with
// commas between them. A recorder puts it on the fragments that it asks for images of, and
// the images have it as metadata.
const EventTag = "eventId"

// Metadata of delivered images ("Automated image delivery"). S3 keeps names in lower case.
const (
	imageFragment = "aws_kinesisvideo_fragment_number"
	imageTime     = "aws_kinesisvideo_producer_timestamp"
)

// DeliveredImage is an image that the service has put into a bucket: see [ImageGeneration].
type DeliveredImage struct {
	Key      string
	Fragment string    // number of the fragment that it shows a moment of
	Time     time.Time // of that moment, by the producer's timestamps
	Events   []string  // IDs, of [EventTag]
}

// ReadDeliveredImage returns the image of an object in the bucket from its metadata, as
// HeadObject returns them: names without x-amz-meta-, in any case. S3's events do not have
// them. The error is of an object that is no such image, such as a picture that a recorder
// has put itself.
func ReadDeliveredImage(key string, metadata map[string]string) (DeliveredImage, error) {
	i := DeliveredImage{Key: key}
	moment := ""
	for name, value := range metadata {
		switch strings.ToLower(name) {
		case imageFragment:
			i.Fragment = value
		case imageTime:
			moment = value
		case strings.ToLower(EventTag):
			i.Events = strings.Split(value, ",")
		}
	}
	ms, err := strconv.ParseInt(moment, 10, 64)
	if err != nil || i.Fragment == "" {
		return DeliveredImage{}, fmt.Errorf("kvsmedia: the object %.200q has no metadata of a delivered image: it needs %s and %s", key, imageFragment, imageTime)
	}
	i.Time = time.UnixMilli(ms)
	return i, nil
}

// NearestImage returns the index of the image that shows an event best, -1 if none is of it:
// the one that is the least after the moment of the event, as before it nobody is there yet,
// and only if there is none after it the one that is the least before it. As images come one
// by one, ask again with each that comes.
func NearestImage(images []DeliveredImage, event string, moment time.Time) int {
	best := -1
	for n, i := range images {
		if !slices.Contains(i.Events, event) {
			continue
		}
		if best < 0 || nearer(i.Time.Sub(moment), images[best].Time.Sub(moment)) {
			best = n
		}
	}
	return best
}

// nearer reports whether an image that is a after a moment shows it better than one that is
// b after it.
func nearer(a, b time.Duration) bool {
	if (a >= 0) != (b >= 0) {
		return a >= 0
	}
	return a.Abs() < b.Abs()
}

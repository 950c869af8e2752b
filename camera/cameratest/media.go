package cameratest

import (
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// standardRetention is that of the streams of things, in hours.
const standardRetention = 24

// openMedia makes the media service with what the state directory holds of it.
func (c *Cloud) openMedia() error {
	m := c.cfg.Media
	m.Region, m.Account = c.cfg.Region, c.cfg.Account
	m.Credentials = func(id string) (kvsmediatest.Identity, bool) {
		found, ok := c.identity(id)
		return kvsmediatest.Identity(found), ok
	}
	m.Authorize = c.authorizeMedia
	m.Dir = c.dir("streams")
	if m.PutImage == nil {
		m.PutImage = c.deliver
	}
	if m.Logger == nil {
		m.Logger = c.cfg.Logger
	}
	var err error
	c.media, err = kvsmediatest.New(m)
	return err
}

// PictureBucket is the bucket of S3 that pictures of events go into: those that a device
// puts there (recorder.S3) and those that Kinesis Video Streams makes.
const PictureBucket = "pictures"

// openBuckets makes S3 with what the state directory holds of it.
func (c *Cloud) openBuckets() error {
	b := c.cfg.S3
	b.Region, b.Account, b.Dir = c.cfg.Region, c.cfg.Account, c.dir("s3")
	b.Credentials = func(id string) (s3test.Identity, bool) {
		found, ok := c.identity(id)
		return s3test.Identity(found), ok
	}
	b.Authorize = c.authorizeBuckets
	if b.Logger == nil {
		b.Logger = c.cfg.Logger
	}
	var err error
	if c.s3, err = s3test.New(b); err != nil {
		return err
	}
	return c.s3.AddBucket(PictureBucket, s3test.BucketConfig{Origins: c.cfg.Origins})
}

// deliver is kvsmediatest.Config.PutImage: an image goes into its bucket if the device that
// sent the fragment may put it there.
func (c *Cloud) deliver(i kvsmediatest.Image) error {
	return c.s3.Deliver(i.Principal, i.Bucket, s3test.Object{Key: i.Key, ContentType: i.ContentType, Metadata: i.Metadata, Data: i.Data})
}

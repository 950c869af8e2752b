package main

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/program"
)

// clipOptions are the values of the flags about clips.
type clipOptions struct {
	dir, pictures                      *string
	onRoot, continuous, all            *bool
	preRoll, postRoll, longest, maxAge *time.Duration
	budget                             *int64
}

// Bounds of flags. Those of recorder.Config are wider for a pre-roll, which is in memory
// here.
const (
	mostPreRoll = time.Minute
	mostSpan    = 10 * time.Minute
	leastClip   = 5 * time.Second
	longestClip = time.Hour
	leastBudget = 32 << 20
	mostAge     = 100 * 365 * 24 * time.Hour
)

func defineClipFlags(fs *program.Flags) *clipOptions {
	return &clipOptions{
		dir:        fs.Text("record", "", "keep clips of events in this `directory`, usually on a card; what is above it has to exist", program.Writable),
		pictures:   fs.String("pictures", "", "with -record, put the pictures of events into this `bucket`, s3://NAME, below the name of the channel"),
		onRoot:     fs.Bool("on-root", false, "allow a directory of -record on the root file system; without it that counts as a missing card"),
		continuous: fs.Bool("continuous", false, "record all the time; a clip is then a part of that"),
		all:        fs.Bool("upload-all", false, "with -continuous, upload everything instead of clips alone"),
		preRoll:    fs.Span("pre-roll", 5*time.Second, time.Second, mostPreRoll, "`duration` that a clip has of before its event"),
		postRoll:   fs.Span("post-roll", 10*time.Second, time.Second, mostSpan, "`duration` that a clip has of after its last event"),
		longest:    fs.Span("longest", 2*time.Minute, leastClip, longestClip, "`duration` at which a clip ends though its events go on; another one follows it"),
		maxAge:     fs.Span("max-age", 0, time.Hour, mostAge, "`duration` for which clips are kept, 720h for example (default while there is room)"),
		budget:     fs.Size("budget", leastBudget, "`size` that clips may have together, 32G for example; the oldest go first (default nine tenths of the storage)"),
	}
}

// check checks the flags together.
func (o *clipOptions) check(fs *program.Flags, stream bool) error {
	if *o.dir == "" {
		return fs.Unused("without -record", "pictures", "on-root", "continuous", "upload-all", "pre-roll", "post-roll", "longest", "max-age", "budget")
	}
	if !*o.continuous {
		return fs.Unused("without -continuous", "upload-all")
	}
	if !stream {
		return fs.Unused("without -stream", "upload-all")
	}
	return nil
}

// config returns what the flags describe; nil if no clips are kept.
func (o *clipOptions) config(access *program.Access) *recorder.Config {
	if *o.dir == "" {
		return nil
	}
	return &recorder.Config{
		Dir: *o.dir, OnRoot: *o.onRoot, PreRoll: *o.preRoll, PostRoll: *o.postRoll, LongestClip: *o.longest,
		Continuous: *o.continuous, UploadAll: *o.all, MaxBytes: *o.budget, MaxAge: *o.maxAge, Now: access.Clock(),
	}
}

// putPictures has a recorder put pictures into the bucket of the flag, in a folder of the
// name given; those that the service makes of the stream go into that folder, too.
func (o *clipOptions) putPictures(c *recorder.Config, cfg aws.Config, folder string) (err error) {
	if c == nil {
		return nil
	}
	if c.PictureFolder = folder; *o.pictures == "" {
		return nil
	}
	c.PutPicture, err = recorder.S3(cfg, *o.pictures)
	return err
}

// folderOf returns the folder of a camera's pictures: the name of its channel, which is given
// by name or by ARN and is that of the thing.
func folderOf(channel string) string {
	if part := strings.Split(channel, "/"); len(part) == 3 { // arn:aws:kinesisvideo:…:channel/NAME/TIME
		return part[1]
	}
	return channel
}

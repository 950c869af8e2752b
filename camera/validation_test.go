package camera_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// New says which field is wrong, what it is, and what is allowed.
func TestNewRefuses(t *testing.T) {
	const arn = "arn:aws:kinesisvideo:eu-west-1:123456789012:channel/door/1"
	track := func(tr kvsmedia.Track) func(*camera.Config) {
		tr.Name = "other"
		return func(c *camera.Config) { c.Tracks = append(c.Tracks, &tr) }
	}
	for name, c := range map[string]struct {
		edit func(*camera.Config)
		want []string // none if it is taken
	}{
		"as it is":             {func(*camera.Config) {}, nil},
		"never run":            {func(c *camera.Config) { c.Signaling = signaling.Config{} }, nil},
		"ARN":                  {func(c *camera.Config) { c.Signaling.Channel, c.Signaling.AWS.Region = arn, "" }, nil},
		"no channel":           {func(c *camera.Config) { c.Signaling.Channel = "" }, []string{"Config.Signaling", "Channel is empty", "name or ARN"}},
		"channel":              {func(c *camera.Config) { c.Signaling.Channel = "front door" }, []string{`"front door"`, "A-Z a-z 0-9"}},
		"long channel":         {func(c *camera.Config) { c.Signaling.Channel = strings.Repeat("x", 257) }, []string{"1 to 256"}},
		"ARN of another thing": {func(c *camera.Config) { c.Signaling.Channel = strings.Replace(arn, "channel", "stream", 1) }, []string{"ARN of a signaling channel"}},
		"ARN of elsewhere":     {func(c *camera.Config) { c.Signaling.Channel, c.Signaling.AWS.Region = arn, "us-east-1" }, []string{"AWS.Region", `"us-east-1"`, `"eu-west-1"`}},
		"no region":            {func(c *camera.Config) { c.Signaling.AWS.Region = "" }, []string{"AWS.Region is empty", "eu-west-1"}},
		"zone":                 {func(c *camera.Config) { c.Signaling.AWS.Region = "eu-west-1a" }, []string{`"eu-west-1a"`, "such as eu-west-1"}},
		"city":                 {func(c *camera.Config) { c.Signaling.AWS.Region = "ireland" }, []string{`"ireland"`, "such as eu-west-1"}},
		"no credentials":       {func(c *camera.Config) { c.Signaling.AWS.Credentials = nil }, []string{"AWS.Credentials is nil"}},
		"endpoint":             {func(c *camera.Config) { c.Signaling.AWS.BaseEndpoint = aws.String("nowhere") }, []string{`"nowhere"`, "https://"}},
		"stand-in's region": {func(c *camera.Config) {
			c.Signaling.AWS.BaseEndpoint, c.Signaling.AWS.Region = aws.String("https://localhost:1"), "local"
		}, nil},

		"no tracks":     {func(c *camera.Config) { c.Tracks = nil }, []string{"Config.Tracks", "at least one"}},
		"17 tracks":     {func(c *camera.Config) { c.Tracks = make([]*kvsmedia.Track, 17) }, []string{"17 tracks", "16"}},
		"nil track":     {func(c *camera.Config) { c.Tracks = append(c.Tracks, nil) }, []string{"Config.Tracks[1] is nil"}},
		"no codec":      {track(kvsmedia.Track{}), []string{"Config.Tracks[1]", `"other"`, "Codec is 0", "H265"}},
		"unknown codec": {track(kvsmedia.Track{Codec: 99}), []string{"Codec is 99"}},
		"same name": {func(c *camera.Config) {
			c.Tracks = append(c.Tracks, &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "main"})
		}, []string{`"main"`, "its own"}},
		"Opus":              {track(kvsmedia.Track{Codec: kvsmedia.Opus, SampleRate: 48000, Channels: 2}), nil},
		"Opus of 16 kHz":    {track(kvsmedia.Track{Codec: kvsmedia.Opus, SampleRate: 16000}), []string{"SampleRate is 16000", "48000"}},
		"Opus 5.1":          {track(kvsmedia.Track{Codec: kvsmedia.Opus, Channels: 6}), []string{"Channels is 6", "1 and 2"}},
		"G.711":             {track(kvsmedia.Track{Codec: kvsmedia.PCMA, SampleRate: 16000}), nil}, // recorded, not live
		"G.711 in kHz":      {track(kvsmedia.Track{Codec: kvsmedia.PCMU, SampleRate: 8}), []string{"SampleRate is 8:", "8000"}},
		"G.711, 3 channels": {track(kvsmedia.Track{Codec: kvsmedia.PCMU, Channels: 3}), []string{"Channels is 3", "1 and 2"}},
		"AAC":               {track(kvsmedia.Track{Codec: kvsmedia.AAC, SampleRate: 44100}), nil},
		"AAC by Private":    {track(kvsmedia.Track{Codec: kvsmedia.AAC, Private: []byte{0x12, 0x10}}), nil},
		"AAC without rate":  {track(kvsmedia.Track{Codec: kvsmedia.AAC}), []string{"SampleRate is 0", "44100"}},
		"AAC of 10 kHz":     {track(kvsmedia.Track{Codec: kvsmedia.AAC, SampleRate: 10000}), []string{"SampleRate is 10000", "11025"}},
		"AAC, 9 channels":   {track(kvsmedia.Track{Codec: kvsmedia.AAC, SampleRate: 8000, Channels: 9}), []string{"Channels is 9", "1 to 8"}},
		"AAC's Private":     {track(kvsmedia.Track{Codec: kvsmedia.AAC, Private: []byte{1}}), []string{"Private", "AudioSpecificConfig"}},
		"H.264's Private":   {track(kvsmedia.Track{Codec: kvsmedia.H264, Private: []byte{1}}), []string{"Private", "H264"}},

		"PreRoll below 0":     {func(c *camera.Config) { c.PreRoll = -1 }, []string{"Config.PreRoll is -1ns", "time.Duration"}},
		"PreRoll in seconds":  {func(c *camera.Config) { c.PreRoll = 5 }, []string{"Config.PreRoll is 5ns", "5*time.Second"}},
		"PreRoll of days":     {func(c *camera.Config) { c.PreRoll = 24*time.Hour + 1 }, []string{"24h0m0s"}},
		"PreRoll of a day":    {func(c *camera.Config) { c.PreRoll = 24 * time.Hour }, nil},
		"RingBytes below 0":   {func(c *camera.Config) { c.RingBytes = -1 }, []string{"Config.RingBytes is -1", "65536"}},
		"RingBytes in MiB":    {func(c *camera.Config) { c.RingBytes = 16 }, []string{"Config.RingBytes is 16", "bytes"}},
		"least RingBytes":     {func(c *camera.Config) { c.RingBytes = 65536 }, nil},
		"MaxViewers below 0":  {func(c *camera.Config) { c.MaxViewers = -1 }, []string{"Config.MaxViewers is -1", "1000"}},
		"MaxViewers too many": {func(c *camera.Config) { c.MaxViewers = 1001 }, []string{"Config.MaxViewers is 1001"}},
		"Bitrates": {func(c *camera.Config) {
			c.Bitrates = map[*kvsmedia.Track]camera.BitrateRange{c.Tracks[0]: {Min: 2, Max: 1}}
		}, []string{"Config.Bitrates", `"main"`, "2 to 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := camera.Config{
				Signaling: signaling.Config{AWS: aws.Config{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}}, Channel: "door"},
				Tracks:    []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}},
			}
			c.edit(&cfg)
			_, err := camera.New(cfg)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("New: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if err != nil && strings.Count(err.Error(), "camera: ") != 1 {
				t.Errorf("%q names the package more or less than once", err)
			}
			var bad *signaling.ConfigError
			if err != nil && strings.Contains(err.Error(), "Signaling") != errors.As(err, &bad) {
				t.Errorf("%v is a ConfigError: %v", err, bad != nil)
			}
		})
	}
}

package kvsmedia

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ImageGeneration is what the service makes of fragments that [Producer.TagImage], or a
// recorder, has marked: pictures in an S3 bucket, of which [NearestImage] chooses. Of media
// that come by WebRTC ingestion it makes none. The zero ImageGeneration is that of a stream
// without one. Sources: UpdateImageGenerationConfiguration, "Automated image
// delivery".
type ImageGeneration struct {
	// Enabled turns it on. What is only turned off is remembered by the service.
	Enabled bool

	// URI is where the pictures go: s3://bucket/prefix, at most 255 bytes. Of what a recorder
	// has marked the keys begin with its Config.PictureFolder, behind this prefix: give it the
	// bucket alone, so that devices may put them.
	URI string

	// Region is the bucket's, which must be the stream's. Empty means that.
	Region string

	// Server takes pictures by the service's timestamps instead of the producer's.
	Server bool

	// Every is from one picture to the next: whole milliseconds, 200 at least.
	Every time.Duration

	// PNG makes PNG instead of JPEG.
	PNG bool

	// Quality is that of JPEG, 1 to 100. Zero means the service's default, 80.
	Quality int

	// Width and Height are the pictures' in pixels, up to 3840 and 2160. If one is
	// zero it follows from the other, if both are the picture is as in the stream.
	Width, Height int
}

// What an ImageGeneration may be, from the API reference.
const (
	minEvery  = 200 * time.Millisecond
	maxEvery  = math.MaxInt32 * time.Millisecond
	maxWidth  = 3840
	maxHeight = 2160
	maxURI    = 255 // bytes, of topics as well
)

// isBucket reports whether pictures can go to a URI.
func isBucket(uri string) bool {
	place, ok := strings.CutPrefix(uri, "s3://")
	return ok && len(uri) <= maxURI && place != "" && place[0] != '/' && !strings.Contains(place, "*")
}

func (g *ImageGeneration) check(region string) error {
	switch {
	case !isBucket(g.URI):
		return &ConfigError{"ImageGeneration.URI", fmt.Sprintf("is %q: give s3://bucket/prefix, of at most %d bytes and without *", g.URI, maxURI)}
	case g.Region != "" && g.Region != region:
		return &ConfigError{"ImageGeneration.Region", fmt.Sprintf("is %q but the stream is in %q: pictures go to a bucket in the stream's region", g.Region, region)}
	case g.Every < minEvery || g.Every > maxEvery || g.Every%time.Millisecond != 0:
		return &ConfigError{"ImageGeneration.Every", fmt.Sprintf("is %v: allowed are whole milliseconds from %v", g.Every, minEvery)}
	case g.PNG && g.Quality != 0:
		return &ConfigError{"ImageGeneration.Quality", "is given for PNG: only JPEG has one"}
	case g.Quality < 0 || g.Quality > 100:
		return &ConfigError{"ImageGeneration.Quality", fmt.Sprintf("is %d: allowed are 1 to 100", g.Quality)}
	case g.Width < 0 || g.Width > maxWidth:
		return &ConfigError{"ImageGeneration.Width", fmt.Sprintf("is %d: allowed are up to %d", g.Width, maxWidth)}
	case g.Height < 0 || g.Height > maxHeight:
		return &ConfigError{"ImageGeneration.Height", fmt.Sprintf("is %d: allowed are up to %d", g.Height, maxHeight)}
	}
	return nil
}

type destination struct {
	Uri               string
	DestinationRegion string `json:",omitempty"`
}

// imageConfiguration is an ImageGenerationConfiguration of the API.
type imageConfiguration struct {
	Status, ImageSelectorType string
	DestinationConfig         destination
	SamplingInterval          int64 // ms
	Format                    string
	FormatConfig              map[string]string `json:",omitempty"`
	WidthPixels, HeightPixels int               `json:",omitempty"`
}

const jpegQuality = "JPEGQuality" // the one key of a FormatConfig

func status(enabled bool) string {
	if enabled {
		return "ENABLED"
	}
	return "DISABLED"
}

func (g *ImageGeneration) configuration(region string) *imageConfiguration {
	c := &imageConfiguration{
		Status: status(g.Enabled), ImageSelectorType: Range{Server: g.Server}.selector(),
		DestinationConfig: destination{g.URI, cmp.Or(g.Region, region)},
		SamplingInterval:  g.Every.Milliseconds(), Format: "JPEG", WidthPixels: g.Width, HeightPixels: g.Height,
	}
	if g.PNG {
		c.Format = "PNG"
	}
	if g.Quality != 0 {
		c.FormatConfig = map[string]string{jpegQuality: strconv.Itoa(g.Quality)}
	}
	return c
}

func (c *imageConfiguration) generation() ImageGeneration {
	if c == nil {
		return ImageGeneration{}
	}
	quality, _ := strconv.Atoi(c.FormatConfig[jpegQuality]) // none is zero
	return ImageGeneration{
		Enabled: c.Status == status(true), URI: c.DestinationConfig.Uri, Region: c.DestinationConfig.DestinationRegion,
		Server: c.ImageSelectorType == Range{Server: true}.selector(),
		Every:  time.Duration(min(max(c.SamplingInterval, 0), math.MaxInt32)) * time.Millisecond,
		PNG:    c.Format == "PNG", Quality: quality, Width: c.WidthPixels, Height: c.HeightPixels,
	}
}

// ImageGeneration returns what pictures are made of a stream, the zero
// ImageGeneration if that was never set (DescribeImageGenerationConfiguration).
func (s *Streams) ImageGeneration(ctx context.Context, stream string) (ImageGeneration, error) {
	var out struct {
		ImageGenerationConfiguration *imageConfiguration
	}
	err := s.ask(ctx, "DescribeImageGenerationConfiguration", stream, &out)
	return out.ImageGenerationConfiguration.generation(), err
}

// SetImageGeneration sets what pictures are made of a stream; the zero
// ImageGeneration removes it (UpdateImageGenerationConfiguration). It needs a stream
// with a retention. Allow a minute until it acts. The pictures are written with the
// rights of the credentials that the camera uploads with, which need s3:PutObject.
func (s *Streams) SetImageGeneration(ctx context.Context, stream string, g ImageGeneration) error {
	var c *imageConfiguration
	if g != (ImageGeneration{}) {
		if err := g.check(s.cfg.Region); err != nil {
			return err
		}
		c = g.configuration(s.cfg.Region)
	}
	return s.update(ctx, stream, "", nil, func(streamInfo, string) error {
		return s.call(ctx, "UpdateImageGenerationConfiguration", stream, struct {
			naming
			ImageGenerationConfiguration *imageConfiguration `json:",omitempty"`
		}{nameOf(stream), c}, nil)
	})
}

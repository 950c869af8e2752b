package images

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"strconv"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Form is what an image is to be like.
type Form struct {
	SamplingInterval int // ms
	Format           string
	FormatConfig     map[string]string
	WidthPixels      int // 0: as the frame has it, or by the other side
	HeightPixels     int
}

// FormOf returns the form of the images that a configuration asks for.
func FormOf(cfg *store.ImageConfig) *Form {
	return &Form{cfg.SamplingInterval, cfg.Format, cfg.FormatConfig, cfg.WidthPixels, cfg.HeightPixels}
}

// standardQuality is that of JPEG where none is given.
const standardQuality = 80

// Check returns what the API says to a form that it does not take.
func (f *Form) Check() error {
	switch {
	case f.SamplingInterval < 200:
		return api.Invalid("SamplingInterval must be at least 200 ms.")
	case !slices.Contains([]string{"JPEG", "PNG"}, f.Format):
		return api.Invalid("Format must be JPEG or PNG.")
	case f.WidthPixels < 0 || f.WidthPixels > 3840 || f.HeightPixels < 0 || f.HeightPixels > 2160:
		return api.Invalid("WidthPixels must be from 1 to 3840 and HeightPixels from 1 to 2160.")
	}
	for k, v := range f.FormatConfig {
		if q, err := strconv.Atoi(v); k != "JPEGQuality" || f.Format != "JPEG" || err != nil || q < 1 || q > 100 {
			return api.Invalid("FormatConfig takes JPEGQuality from 1 to 100 alone.")
		}
	}
	return nil
}

func (f *Form) quality() int {
	if q, err := strconv.Atoi(f.FormatConfig["JPEGQuality"]); err == nil {
		return q
	}
	return standardQuality
}

// encode returns a picture as a file.
func (f *Form) encode(picture image.Image) ([]byte, error) {
	var b bytes.Buffer
	var err error
	if f.Format == "PNG" {
		err = png.Encode(&b, picture)
	} else {
		err = jpeg.Encode(&b, picture, &jpeg.Options{Quality: f.quality()})
	}
	return b.Bytes(), err
}

// apply returns a snapshot in this form: as it is, if no other size or format is wanted.
func (f *Form) apply(snapshot []byte) ([]byte, error) {
	if f.Format == "JPEG" && f.WidthPixels == 0 && f.HeightPixels == 0 {
		return snapshot, nil
	}
	picture, err := jpeg.Decode(bytes.NewReader(snapshot))
	if err != nil {
		return nil, err
	}
	return f.encode(f.scale(picture))
}

// scale returns a picture in the wanted size, of its nearest pixels.
func (f *Form) scale(picture image.Image) image.Image {
	from := picture.Bounds()
	width, height := f.WidthPixels, f.HeightPixels
	switch {
	case width == 0 && height == 0 || from.Empty():
		return picture
	case width == 0:
		width = max(from.Dx()*height/from.Dy(), 1)
	case height == 0:
		height = max(from.Dy()*width/from.Dx(), 1)
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			to.Set(x, y, picture.At(from.Min.X+x*from.Dx()/width, from.Min.Y+y*from.Dy()/height))
		}
	}
	return to
}

package images

import (
	"encoding/base64"
	"errors"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

const (
	maxImageRange = 300 * time.Second
	maxImages     = 100
	imagePage     = 25
	noMedia       = "NO_MEDIA"
	mediaError    = "MEDIA_ERROR"
)

// imageResult is one image that GetImages returns.
type imageResult struct {
	TimeStamp    float64
	Error        string `json:",omitempty"`
	ImageContent string `json:",omitempty"`
}

func (m *Maker) getImages(c *api.Call) (any, error) {
	var in struct {
		api.Named
		imagesInput
	}
	if err := c.Decode(&in.imagesInput); err != nil {
		return nil, err
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if st.RetentionHours() == 0 {
		return nil, api.NoRetention(st)
	}
	times, next, err := in.page(st)
	if err != nil {
		return nil, err
	}
	at, err := api.Stamp(in.ImageSelectorType)
	if err != nil {
		return nil, api.Invalid("ImageSelectorType must be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.")
	}
	images, err := m.sample(c, st, at, times, &in.form)
	return struct {
		Images    []imageResult
		NextToken string `json:",omitempty"`
	}{images, next}, err
}

// imagesInput is what GetImages is asked for.
type imagesInput struct {
	ImageSelectorType            string
	StartTimestamp, EndTimestamp *float64
	SamplingInterval             *int
	Format                       string
	FormatConfig                 map[string]string
	WidthPixels, HeightPixels    int
	MaxResults                   *int
	NextToken                    string

	form       Form
	start, end time.Time
}

func (in *imagesInput) check() error {
	if in.StartTimestamp == nil || in.EndTimestamp == nil {
		return api.Invalid("StartTimestamp and EndTimestamp are required.")
	}
	in.start, in.end = api.Time(*in.StartTimestamp), api.Time(*in.EndTimestamp)
	if d := in.end.Sub(in.start); d < 0 || d > maxImageRange {
		return api.Invalid("EndTimestamp must not be before StartTimestamp, and at most %v after it.", maxImageRange)
	}
	if n := in.MaxResults; n != nil && (*n < 1 || *n > maxImages) {
		return api.Invalid("MaxResults must be from 1 to %d.", maxImages)
	}
	in.form = Form{3000, in.Format, in.FormatConfig, in.WidthPixels, in.HeightPixels}
	if in.SamplingInterval != nil {
		in.form.SamplingInterval = *in.SamplingInterval
	}
	return in.form.Check()
}

// page returns the times of the images of a page, and the token of the next one.
func (in *imagesInput) page(st *store.Stream) (times []time.Time, next string, err error) {
	limit := imagePage
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	asked := *in
	asked.MaxResults, asked.NextToken = nil, ""
	i := 0
	if in.NextToken != "" {
		place, err := api.Place(st, asked, in.NextToken)
		if err == nil {
			i, err = strconv.Atoi(place)
		}
		if err != nil {
			return nil, "", err
		}
	}
	step := time.Duration(in.form.SamplingInterval) * time.Millisecond
	for ; len(times) < limit; i++ {
		t := in.start.Add(time.Duration(i) * step)
		if t.After(in.end) {
			return times, "", nil
		}
		times = append(times, t)
	}
	if !in.start.Add(time.Duration(i) * step).After(in.end) {
		next = api.Token(st, asked, strconv.Itoa(i))
	}
	return times, next, nil
}

// sample returns the picture that is shown at each of the times.
func (m *Maker) sample(c *api.Call, st *store.Stream, at func(*store.Fragment) time.Time, times []time.Time, form *Form) ([]imageResult, error) {
	list := st.Archive()
	images := make([]imageResult, len(times))
	wanted := map[*store.Fragment][]int{} // indexes in times
	for i, t := range times {
		images[i] = imageResult{TimeStamp: api.Seconds(t), Error: noMedia}
		for _, f := range slices.Backward(list) {
			if d := t.Sub(at(f)); d >= 0 && d < f.Length {
				wanted[f] = append(wanted[f], i)
				break
			}
		}
	}
	for f, which := range wanted {
		frames, err := frameTimes(f)
		if err != nil || len(frames) == 0 {
			continue
		}
		var indexes []int // of frames, each once
		place := map[int]int{}
		for _, i := range which {
			n := max(sort.Search(len(frames), func(n int) bool { return frames[n] > times[i].Sub(at(f)) })-1, 0)
			if len(indexes) == 0 || indexes[len(indexes)-1] != n {
				indexes = append(indexes, n)
			}
			place[i] = len(indexes) - 1
		}
		files, err := m.pictures(c.Request.Context(), st.Name, f, frames, indexes, form)
		if errors.Is(err, errNoFFmpeg) {
			return nil, err
		}
		for _, i := range which {
			if images[i].Error = mediaError; err == nil && files[place[i]] != nil {
				images[i] = imageResult{images[i].TimeStamp, "", base64.StdEncoding.EncodeToString(files[place[i]])}
			}
		}
	}
	return images, nil
}

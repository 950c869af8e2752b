package kvsmedia

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Names of the tags that GetMedia and GetMediaForFragmentList add. Of the
// timestamps, the documentation has other names than the streams.
const (
	tagNumber           = "AWS_KINESISVIDEO_FRAGMENT_NUMBER"
	tagServerTime       = "AWS_KINESISVIDEO_SERVER_TIMESTAMP"
	tagServerSideTime   = "AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP"
	tagProducerTime     = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"
	tagProducerSideTime = "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP"

	tagErrorID          = "AWS_KINESISVIDEO_ERROR_ID"
	tagErrorCode        = "AWS_KINESISVIDEO_ERROR_CODE"
	tagExceptionCode    = "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE"
	tagExceptionMessage = "AWS_KINESISVIDEO_EXCEPTION_MESSAGE"
)

// Tags are the tags of a [Fragment]: values by name.
type Tags map[string]string

// StreamError is trouble that the service reports inside the media that it
// returns.
type StreamError struct {
	ID      int    // such as 4500; 0 if there is none
	Code    string // such as KMS_KEY_ACCESS_DENIED
	Message string
}

// Error says what the service reported.
func (e *StreamError) Error() string {
	s := "kvsmedia: the service ended the media with error " + e.Code
	if e.ID != 0 {
		s += fmt.Sprintf(" (%d)", e.ID)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

func flatten(list mkv.Tags) Tags {
	tags := Tags{}
	for _, t := range list {
		for _, s := range t.Simple {
			tags[s.Name] = s.String
		}
	}
	return tags
}

// time returns a timestamp in seconds with decimals under one of two names, zero
// if there is none.
func (t Tags) time(name, otherName string) time.Time {
	s, err := strconv.ParseFloat(cmp.Or(t[name], t[otherName]), 64)
	if err != nil || !(s > 0 && s < 1e10) {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(s * 1000)))
}

func (t Tags) err() error {
	code := cmp.Or(t[tagErrorCode], t[tagExceptionCode])
	id, _ := strconv.Atoi(t[tagErrorID]) // 0 says that there is none
	if code == "" && id == 0 {
		return nil
	}
	return &StreamError{ID: id, Code: code, Message: t[tagExceptionMessage]}
}

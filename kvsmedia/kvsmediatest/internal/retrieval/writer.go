package retrieval

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

const mediaType = "video/webm"

// writer writes fragments as GetMedia and GetMediaForFragmentList do.
type writer struct {
	endpoint *Endpoint
	stream   *store.Stream
	w        io.Writer
	control  *http.ResponseController
	tail     bool // tags behind each fragment
	written  int  // fragments

	faulty       bool // a fault is to come
	faultAt      int  // fragments before it
	faultErrorID int
}

// errFault ends media that a fault has ended already.
var errFault = errors.New("ended on request")

func (e *Endpoint) newWriter(c *api.Call, st *store.Stream, tail bool) *writer {
	c.W.Header().Set("Content-Type", mediaType)
	c.W.WriteHeader(http.StatusOK)
	m := &writer{endpoint: e, stream: st, w: c.W, control: http.NewResponseController(c.W), tail: tail}
	m.faultAt, m.faultErrorID, m.faulty = e.cfg.Trouble(c.API())
	return m
}

// fragment writes one fragment: a document of its own.
func (m *writer) fragment(f *store.Fragment) error {
	due := m.faulty && m.faultAt == m.written
	if due && m.faultErrorID != 0 {
		m.fail(m.faultErrorID, ingest.Codes[m.faultErrorID])
		return errFault
	}
	file, err := f.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	head := tagList("AWS_KINESISVIDEO_FRAGMENT_NUMBER", f.Number,
		"AWS_KINESISVIDEO_SERVER_TIMESTAMP", api.Decimal(f.Server),
		"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", api.Decimal(f.Producer))
	if _, err := io.CopyN(m.w, file, f.Header); err != nil {
		return err
	}
	if _, err := m.w.Write(head); err != nil {
		return err
	}
	if due {
		_, _ = io.CopyN(m.w, file, f.Cluster/2) // it is to break in any case
		_ = m.control.Flush()
		panic(http.ErrAbortHandler)
	}
	m.written++
	if _, err := io.CopyN(m.w, file, f.Cluster+f.Trailer); err != nil {
		return err
	}
	if m.tail {
		behind := max(m.endpoint.cfg.Core.Now().Sub(f.Server), 0).Milliseconds()
		_, err := m.w.Write(tagList("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", strconv.FormatInt(behind, 10),
			"AWS_KINESISVIDEO_CONTINUATION_TOKEN", f.Number))
		if err != nil {
			return err
		}
	}
	return m.control.Flush()
}

// fail ends the media with the tags of an error.
func (m *writer) fail(id int, code string) {
	b := mkv.AppendHeader(nil, 2)
	if m.tail {
		b = append(b, tagList("AWS_KINESISVIDEO_ERROR_CODE", code, "AWS_KINESISVIDEO_ERROR_ID", strconv.Itoa(id))...)
	} else {
		b = append(b, tagList("AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", strconv.Itoa(id), "AWS_KINESISVIDEO_EXCEPTION_MESSAGE", code)...)
	}
	_, _ = m.w.Write(b) // a caller that is gone needs no answer
}

// tagList returns a Tags element of names and values.
func tagList(pairs ...string) []byte {
	var tag mkv.Tag
	for i := 0; i < len(pairs); i += 2 {
		tag.Simple = append(tag.Simple, mkv.SimpleTag{Name: pairs[i], String: pairs[i+1]})
	}
	return mkv.AppendTags(nil, mkv.Tags{tag})
}

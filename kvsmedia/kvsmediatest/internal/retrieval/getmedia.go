package kvsmediatest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

const mediaType = "video/webm"

func (s *Service) getMedia(c *call) (any, error) {
	var in struct {
		named
		StartSelector *startSelector
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if in.StartSelector == nil {
		return nil, invalid("StartSelector is required.")
	}
	begins, err := in.StartSelector.filter()
	if err != nil {
		return nil, err
	}
	if err := s.addReader(st); err != nil {
		return nil, err
	}
	defer s.removeReader(st)
	m := newMediaWriter(c, st, true)
	if err := m.control.Flush(); err != nil { // the status comes before any media
		return nil, nil
	}
	m.follow(c.request, in.StartSelector.after(s.held(st, false)), begins)
	return nil, nil
}

func (s *Service) addReader(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.cfg.Limits.Readers; n > 0 && st.readers >= n {
		return badRequest("ConnectionLimitExceededException", "The stream %s has %d GetMedia connections already.", st.Name, n)
	}
	st.readers++
	return nil
}

func (s *Service) removeReader(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.readers--
}

// startSelector says where GetMedia begins.
type startSelector struct {
	StartSelectorType   string
	AfterFragmentNumber string
	StartTimestamp      *float64
	ContinuationToken   string
}

// filter checks the selector and returns which fragments it begins with.
func (sel *startSelector) filter() (func(*fragment) bool, error) {
	switch sel.StartSelectorType {
	case "NOW", "EARLIEST":
	case "FRAGMENT_NUMBER":
		if sel.AfterFragmentNumber == "" {
			return nil, invalid("AfterFragmentNumber is required with FRAGMENT_NUMBER.")
		}
	case "CONTINUATION_TOKEN":
		if sel.ContinuationToken == "" || len(sel.ContinuationToken) > 128 {
			return nil, invalid("A ContinuationToken of up to 128 characters is required with CONTINUATION_TOKEN.")
		}
	case "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP":
		if sel.StartTimestamp == nil {
			return nil, invalid("StartTimestamp is required with %s.", sel.StartSelectorType)
		}
		at, err := stamp(sel.StartSelectorType)
		start := timeOf(*sel.StartTimestamp)
		return func(f *fragment) bool { return !at(f).Before(start) }, err
	default:
		return nil, invalid("StartSelectorType is not one of the API.")
	}
	return func(*fragment) bool { return true }, nil
}

// start is where in the order of fragments to begin: behind one, or at the
// beginning.
type start struct {
	behind  *fragment
	unknown bool // there is no such fragment
}

func (sel *startSelector) after(list []*fragment) start {
	number := sel.AfterFragmentNumber
	switch sel.StartSelectorType {
	case "NOW":
		if len(list) > 0 {
			return start{behind: list[len(list)-1]}
		}
		return start{}
	case "CONTINUATION_TOKEN":
		number = sel.ContinuationToken
	case "FRAGMENT_NUMBER":
	default:
		return start{}
	}
	i := slices.IndexFunc(list, func(f *fragment) bool { return f.number == number })
	if i < 0 {
		return start{unknown: true}
	}
	return start{behind: list[i]}
}

// mediaWriter writes fragments as GetMedia and GetMediaForFragmentList do.
type mediaWriter struct {
	svc     *Service
	stream  *stream
	w       io.Writer
	control *http.ResponseController
	tail    bool // tags behind each fragment
	fault   *ReadFault
	written int // fragments
}

// errFault ends media that a fault has ended already.
var errFault = errors.New("ended on request")

func newMediaWriter(c *call, st *stream, tail bool) *mediaWriter {
	c.w.Header().Set("Content-Type", mediaType)
	c.w.WriteHeader(http.StatusOK)
	return &mediaWriter{svc: c.svc, stream: st, w: c.w, control: http.NewResponseController(c.w), tail: tail, fault: c.svc.readFault(c.op.name)}
}

// follow writes the fragments behind from, of which the first is one that begins
// says, and those that come meanwhile.
func (m *mediaWriter) follow(r *http.Request, from start, begins func(*fragment) bool) {
	if from.unknown {
		m.fail(4000, "STREAM_READ_ERROR")
		return
	}
	s, begun, behind := m.svc, false, from.behind
	timer := time.NewTimer(s.cfg.Timing.GetMedia)
	defer timer.Stop()
	for {
		s.mu.Lock()
		changed, kms, deleted := m.stream.changed, m.stream.kms, m.stream.deleted
		s.mu.Unlock()
		if kms != 0 {
			m.fail(kms, errorCodes[kms])
			return
		}
		for _, f := range s.held(m.stream, false) {
			if behind != nil && compare(f, behind) <= 0 {
				continue
			}
			behind = f
			if begun = begun || begins(f); !begun {
				continue
			}
			if err := m.fragment(f); err != nil {
				return
			}
			timer.Reset(s.cfg.Timing.GetMedia)
		}
		if deleted {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			if len(s.Uploads(m.stream.Name)) == 0 {
				return
			}
			timer.Reset(s.cfg.Timing.GetMedia)
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// fragment writes one fragment: a document of its own.
func (m *mediaWriter) fragment(f *fragment) error {
	due := m.fault != nil && m.fault.Fragments == m.written
	if due && m.fault.ErrorID != 0 {
		m.fail(m.fault.ErrorID, errorCodes[m.fault.ErrorID])
		return errFault
	}
	file, err := f.open()
	if err != nil {
		return err
	}
	defer file.Close()
	head := tagList("AWS_KINESISVIDEO_FRAGMENT_NUMBER", f.number,
		"AWS_KINESISVIDEO_SERVER_TIMESTAMP", decimal(f.server),
		"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", decimal(f.producer))
	if _, err := io.CopyN(m.w, file, f.header); err != nil {
		return err
	}
	if _, err := m.w.Write(head); err != nil {
		return err
	}
	if due {
		_, _ = io.CopyN(m.w, file, f.cluster/2) // it is to break in any case
		_ = m.control.Flush()
		panic(http.ErrAbortHandler)
	}
	m.written++
	if _, err := io.CopyN(m.w, file, f.cluster+f.trailer); err != nil {
		return err
	}
	if m.tail {
		behind := max(m.svc.now().Sub(f.server), 0).Milliseconds()
		_, err := m.w.Write(tagList("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", strconv.FormatInt(behind, 10),
			"AWS_KINESISVIDEO_CONTINUATION_TOKEN", f.number))
		if err != nil {
			return err
		}
	}
	return m.control.Flush()
}

// fail ends the media with the tags of an error.
func (m *mediaWriter) fail(id int, code string) {
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

// decimal writes a time as seconds with three decimals.
func decimal(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/int(time.Millisecond))
}

func (s *Service) getFragmentList(c *call) (any, error) {
	var in struct {
		named
		Fragments []string
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if len(in.Fragments) < 1 || len(in.Fragments) > 1000 {
		return nil, invalid("Fragments must have 1 to 1000 members.")
	}
	byNumber := map[string]*fragment{}
	for _, f := range s.held(st, true) {
		byNumber[f.number] = f
	}
	m := newMediaWriter(c, st, false)
	for _, number := range in.Fragments {
		f := byNumber[number]
		if f == nil {
			m.fail(4000, "The fragment "+number+" is not found.")
			return nil, nil
		}
		switch err := m.fragment(f); {
		case errors.Is(err, errFault):
			return nil, nil
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
	return nil, nil
}

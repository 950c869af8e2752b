package kvsmediatest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"time"
)

// selector chooses fragments by a range of time, both ends included.
type selector struct {
	FragmentSelectorType string
	TimestampRange       *timestampRange
}

// timestampRange holds seconds since 1970.
type timestampRange struct{ StartTimestamp, EndTimestamp *float64 }

// timeOf returns the time of a JSON timestamp, to the millisecond.
func timeOf(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1000))) }

// stamp returns the function that a selector's type names.
func stamp(kind string) (func(*fragment) time.Time, error) {
	switch kind {
	case "PRODUCER_TIMESTAMP":
		return func(f *fragment) time.Time { return f.producer }, nil
	case "SERVER_TIMESTAMP":
		return func(f *fragment) time.Time { return f.server }, nil
	}
	return nil, invalid("FragmentSelectorType must be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.")
}

// choose returns the fragments that a selector chooses. needEnd is for ranges
// that must be closed.
func (sel *selector) choose(list []*fragment, needEnd bool) ([]*fragment, error) {
	at, err := stamp(sel.FragmentSelectorType)
	if err != nil {
		return nil, err
	}
	r := sel.TimestampRange
	if r == nil || r.StartTimestamp == nil || needEnd && r.EndTimestamp == nil {
		return nil, invalid("TimestampRange must have StartTimestamp and EndTimestamp.")
	}
	start, end := timeOf(*r.StartTimestamp), time.UnixMilli(math.MaxInt64/2)
	if r.EndTimestamp != nil {
		end = timeOf(*r.EndTimestamp)
	}
	if end.Before(start) {
		return nil, invalid("StartTimestamp is after EndTimestamp.")
	}
	return slices.DeleteFunc(slices.Clone(list), func(f *fragment) bool {
		return at(f).Before(start) || at(f).After(end)
	}), nil
}

type fragmentInfo struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            float64
	ServerTimestamp              float64
	FragmentLengthInMilliseconds int64
}

func (s *Service) listFragments(c *call) (any, error) {
	var in struct {
		named
		MaxResults       *int
		NextToken        string
		FragmentSelector *selector
	}
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	limit := 1000
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return nil, invalid("MaxResults must be from 1 to 1000.")
	}
	list := s.held(st, true)
	if d := s.cfg.Timing.List; d > 0 {
		now := time.Now()
		list = slices.DeleteFunc(list, func(f *fragment) bool { return now.Sub(f.stored) < d })
	}
	if in.FragmentSelector != nil {
		if list, err = in.FragmentSelector.choose(list, true); err != nil {
			return nil, err
		}
	}
	if in.NextToken != "" {
		after, err := decodeToken(in.NextToken)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(f *fragment) bool { return compare(f, after) <= 0 })
	}
	out := struct {
		Fragments []fragmentInfo
		NextToken string `json:",omitempty"`
	}{Fragments: []fragmentInfo{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = encodeToken(list[limit-1])
	}
	for _, f := range list {
		out.Fragments = append(out.Fragments, fragmentInfo{
			f.number, f.size(), seconds(f.producer), seconds(f.server), f.length.Milliseconds(),
		})
	}
	if s.cfg.Variants.ReverseLists {
		slices.Reverse(out.Fragments)
	}
	return out, nil
}

// compare orders fragments as they came. All numbers have 47 digits.
func compare(a, b *fragment) int {
	return cmp.Or(a.server.Compare(b.server), cmp.Compare(a.number, b.number))
}

// A token names the last fragment of a page, by its place in the order.
func encodeToken(f *fragment) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", f.server.UnixMilli(), f.number))
}

func decodeToken(token string) (*fragment, error) {
	f := &fragment{}
	var ms int64
	b, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d %s", &ms, &f.number)
	}
	if err != nil {
		return nil, invalid("NextToken is none of this service's.")
	}
	f.server = time.UnixMilli(ms)
	return f, nil
}

package retrieval

import (
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

type fragmentInfo struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            float64
	ServerTimestamp              float64
	FragmentLengthInMilliseconds int64
}

func (e *Endpoint) listFragments(c *api.Call) (any, error) {
	var in struct {
		api.Named
		MaxResults       *int
		NextToken        string
		FragmentSelector *api.Selector
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	limit := 1000
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return nil, api.Invalid("MaxResults must be from 1 to 1000.")
	}
	list := st.Archive()
	if wait := e.cfg.List; wait > 0 {
		now := time.Now()
		list = slices.DeleteFunc(list, func(f *store.Fragment) bool { return now.Sub(f.Stored) < wait })
	}
	if in.FragmentSelector != nil {
		if list, err = in.FragmentSelector.Choose(list, true); err != nil {
			return nil, err
		}
	}
	if in.NextToken != "" {
		after, err := afterToken(st, in.FragmentSelector, in.NextToken)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(f *store.Fragment) bool { return store.Compare(f, after) <= 0 })
	}
	out := struct {
		Fragments []fragmentInfo
		NextToken string `json:",omitempty"`
	}{Fragments: []fragmentInfo{}}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		out.NextToken = api.Token(st, in.FragmentSelector, fmt.Sprintf("%d %s", last.Server.UnixMilli(), last.Number))
	}
	for _, f := range list {
		out.Fragments = append(out.Fragments, fragmentInfo{
			f.Number, f.Size(), api.Seconds(f.Producer), api.Seconds(f.Server), f.Length.Milliseconds(),
		})
	}
	if e.cfg.ReverseLists {
		slices.Reverse(out.Fragments)
	}
	return out, nil
}

// afterToken returns the last fragment of the page before, which its token names by
// its place in the order.
func afterToken(st *store.Stream, asked *api.Selector, token string) (*store.Fragment, error) {
	place, err := api.Place(st, asked, token)
	if err != nil {
		return nil, err
	}
	f := &store.Fragment{}
	var ms int64
	if _, err := fmt.Sscanf(place, "%d %s", &ms, &f.Number); err != nil {
		return nil, err
	}
	f.Server = time.UnixMilli(ms)
	return f, nil
}

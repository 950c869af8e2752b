package kvsmedia

import (
	"context"
	"fmt"
	"iter"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// listPage is the number of streams in a page of List, of 10,000 at most.
const listPage = 1000

// List yields the account's streams whose names begin with prefix, all with an
// empty one (ListStreams). It asks for a page at a time; an error ends the sequence.
// Tiers are not in the list.
func (s *Streams) List(ctx context.Context, prefix string) iter.Seq2[Stream, error] {
	type condition struct{ ComparisonOperator, ComparisonValue string }
	return func(yield func(Stream, error) bool) {
		in := struct {
			MaxResults          int
			NextToken           string     `json:",omitempty"`
			StreamNameCondition *condition `json:",omitempty"`
		}{MaxResults: listPage}
		switch {
		case prefix == "":
		case streamName.MatchString(prefix):
			in.StreamNameCondition = &condition{"BEGINS_WITH", prefix}
		default:
			yield(Stream{}, &ConfigError{"prefix", fmt.Sprintf("%q begins no stream's name: 1 to 256 of A-Z a-z 0-9 _ . -", prefix)})
			return
		}
		var pages awsapi.Pages
		for more := true; more; {
			var out struct {
				StreamInfoList []streamInfo
				NextToken      string
			}
			in.NextToken = pages.Token
			err := patiently(ctx, func() error { return s.send(ctx, "ListStreams", "", in, &out) })
			if err == nil {
				more, err = pages.Next("kvsmedia: ListStreams", out.NextToken, len(out.StreamInfoList))
			}
			if err != nil {
				yield(Stream{}, err)
				return
			}
			for _, i := range out.StreamInfoList {
				if !yield(i.describe(), nil) {
					return
				}
			}
		}
	}
}

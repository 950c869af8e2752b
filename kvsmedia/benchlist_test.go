package kvsmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// pages answers ListFragments with pages of 1,000 fragments.
type pages [][]byte

func (p pages) Do(r *http.Request) (*http.Response, error) {
	answer := []byte(`{"DataEndpoint":"https://data.test"}`)
	if r.URL.Path == "/listFragments" {
		var in struct{ NextToken string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, err
		}
		n, _ := strconv.Atoi(in.NextToken) // empty for the first one
		answer = p[n]
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewReader(answer))}, nil
}

// BenchmarkList measures what listing costs the processor: ten pages, without the
// waits between them.
func BenchmarkList(b *testing.B) {
	b.Run("10000", func(b *testing.B) {
		const fragments = 10_000
		h := &history{now: midnight}
		h.ingest(0, 2*fragments, 2, 1)
		type fragment struct {
			FragmentNumber                     string
			FragmentSizeInBytes                int64
			ProducerTimestamp, ServerTimestamp float64
			FragmentLengthInMilliseconds       int64
		}
		var all pages
		for i := 0; i < fragments; i += 1000 {
			var page struct {
				Fragments []fragment
				NextToken string `json:",omitempty"`
			}
			for _, f := range h.all[i : i+1000] {
				page.Fragments = append(page.Fragments, fragment{"91343852333181432392682062607743920146264" + f.Number, f.Bytes,
					epochSeconds(f.ProducerTime), epochSeconds(f.ServerTime), f.Length.Milliseconds()})
			}
			if i+1000 < fragments {
				page.NextToken = strconv.Itoa(i/1000 + 1)
			}
			answer, err := json.Marshal(page)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, answer)
		}
		a, err := NewArchive(ArchiveConfig{Stream: "door", AWS: aws.Config{
			Region: "eu-west-1", BaseEndpoint: aws.String("https://control.test"), HTTPClient: all,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
			}),
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for _, err := range a.ListFragments(b.Context(), Range{}) {
				if err != nil {
					b.Fatal(err)
				}
				if n++; n%1000 == 0 {
					a.pace = awsapi.Pacer{} // the next page does not wait
				}
			}
			if n != fragments {
				b.Fatalf("%d fragments", n)
			}
			a.pace = awsapi.Pacer{}
		}
	})
}

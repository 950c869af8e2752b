package kvsmedia_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// hostile is a service whose n-th page of any list is what page makes it.
type hostile struct {
	page  func(n int) string
	pages int
}

func (h *hostile) Do(r *http.Request) (*http.Response, error) {
	answer := `{"DataEndpoint":"https://data.test"}`
	if !strings.HasSuffix(r.URL.Path, "/getDataEndpoint") {
		h.pages++
		answer = h.page(h.pages)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (h *hostile) archive(t *testing.T) *kvsmedia.Archive {
	t.Helper()
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{Stream: door, AWS: aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("https://control.test"), HTTPClient: h,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPagesWithoutEnd has a service whose lists have no end: each one is an error, soon.
func TestPagesWithoutEnd(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ctx := context.WithoutCancel(t.Context()) // without a channel: it is used in bubbles
	hour := kvsmedia.Range{Start: now, End: now.Add(time.Hour)}
	for what, token := range map[string]func(n int) string{
		"the same token":    func(int) string { return "a" },
		"tokens in turn":    func(n int) string { return fmt.Sprint(n % 7) },
		"nothing but pages": func(n int) string { return fmt.Sprint(n) },
	} {
		for name, list := range map[string]func(*kvsmedia.Archive) error{
			"fragments": func(a *kvsmedia.Archive) (last error) {
				for _, err := range a.ListFragments(ctx, kvsmedia.Range{}) {
					last = err
				}
				return last
			},
			"runs": func(a *kvsmedia.Archive) (last error) {
				for _, err := range a.Runs(ctx, hour) {
					last = err
				}
				return last
			},
			"images": func(a *kvsmedia.Archive) (last error) {
				for _, err := range a.Images(ctx, kvsmedia.ImageRequest{Range: hour}) {
					if last = err; last != nil {
						break
					}
				}
				return last
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				h := &hostile{page: func(n int) string {
					entries := `{"FragmentNumber":"1","ProducerTimestamp":1,"TimeStamp":1}`
					if what == "nothing but pages" {
						entries = ""
					}
					return fmt.Sprintf(`{"Fragments":[%s],"Images":[%[1]s],"NextToken":%q}`, entries, token(n))
				}}
				if err := list(h.archive(t)); err == nil || !strings.Contains(err.Error(), "the service return") || h.pages > 100 {
					t.Errorf("%s, %s: %d pages, %v", name, what, h.pages, err)
				}
			})
		}
	}
}

// TestRunsAreBounded lists more than a computer can keep.
func TestRunsAreBounded(t *testing.T) {
	if race || testing.Short() {
		t.Skip("a million fragments")
	}
	synctest.Test(t, func(t *testing.T) {
		page := strings.Repeat(`{"ProducerTimestamp":1},`, 99_999) + `{"ProducerTimestamp":1}`
		h := &hostile{page: func(n int) string { return fmt.Sprintf(`{"Fragments":[%s],"NextToken":"%d"}`, page, n) }}
		for run, err := range h.archive(t).Runs(t.Context(), kvsmedia.Range{}) {
			if err == nil || !strings.Contains(err.Error(), "ask for a shorter one") {
				t.Errorf("a run of %d fragments, %v", len(run.Fragments), err)
			}
		}
		if h.pages != 11 {
			t.Errorf("%d pages", h.pages)
		}
	})
}

// TestRunsOfOddFragments has 20,000 fragments in any order, many of them twice, with
// numbers that mean nothing: each producer timestamp is in one run at most.
func TestRunsOfOddFragments(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	type info struct {
		FragmentNumber                     string
		ProducerTimestamp, ServerTimestamp float64
		FragmentLengthInMilliseconds       int64
	}
	for name, at := range map[string]func(i int) info{
		"backwards": func(i int) info { return info{fmt.Sprint(i), 2e9 - 30*float64(i), float64(i), 2000} },
		"any order": func(i int) info {
			return info{fmt.Sprint(r.IntN(1000)), 1e9 + float64(r.IntN(1e6)), 1e9 + float64(r.IntN(1e6)), r.Int64N(40_000) - 10_000}
		},
		"far off": func(i int) info {
			times := []float64{-1e300, 1e300, 0, 1e-9, 9.9e9, 1e10, -1, 1.7e9}
			return info{"", times[r.IntN(8)], times[r.IntN(8)], []int64{-1 << 63, 1<<63 - 1, 0, 1, 1 << 50}[r.IntN(5)]}
		},
		"all the same": func(i int) info { return info{"1", 1, 1, 1} },
	} {
		const pages, each = 10, 2000
		synctest.Test(t, func(t *testing.T) {
			h := &hostile{page: func(n int) string {
				list := make([]info, each)
				for i := range list {
					list[i] = at(n*each + i)
				}
				b, err := json.Marshal(list)
				if err != nil {
					t.Error(err)
				}
				if n < pages {
					return fmt.Sprintf(`{"Fragments":%s,"NextToken":"%d"}`, b, n)
				}
				return fmt.Sprintf(`{"Fragments":%s}`, b)
			}}
			last, seen := time.Time{}, map[time.Time]bool{}
			for run, err := range h.archive(t).Runs(t.Context(), kvsmedia.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				if run.Start.Before(last.Add(-21 * time.Second)) { // a fragment is no longer
					t.Fatalf("%s: a run of %v comes after one of %v", name, run.Start, last)
				}
				last = run.Start
				for _, f := range run.Fragments {
					if seen[f.ProducerTime] {
						t.Fatalf("%s: the fragment of %v is played twice", name, f.ProducerTime)
					}
					seen[f.ProducerTime] = true
				}
			}
			if len(seen) == 0 {
				t.Errorf("%s: no runs", name)
			}
		})
	}
}

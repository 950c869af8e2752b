package kvsmedia_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

const (
	garageARN = "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/garage/1700000000000"
	topicARN  = "arn:aws:sns:eu-west-1:123456789012:doors"
)

// scriptedStreams returns the calls of streams, and the service that answers them.
func scriptedStreams(t *testing.T, answers map[string][]string) (*kvsmedia.Streams, *scripted) {
	s := &scripted{t: t, answers: answers}
	return kvsmedia.NewStreams(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("https://control.test"), HTTPClient: s,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}), s
}

func garage(status, version string, hours int) string {
	return fmt.Sprintf(`{"StreamInfo":{"StreamName":"garage","StreamARN":%q,"Status":%q,"Version":%q,"CreationTime":1700000000.25,"DataRetentionInHours":%d,"KmsKeyId":"key"}}`,
		garageARN, status, version, hours)
}

// Every call says what the API reference has it say, and reads what is answered.
func TestStreamCalls(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // without a channel: it is used in bubbles
	asks := func(path, fields string) string {
		return "control.test" + path + " {" + fields + "}"
	}
	const named = `"StreamName":"garage"`
	describe := asks("/describeStream", named)
	pictures := kvsmedia.ImageGeneration{Enabled: true, URI: "s3://pictures/door", Region: "eu-west-1", Server: true, Every: 3 * time.Second, Quality: 90, Width: 640, Height: 360}
	const picturesJSON = `"ImageGenerationConfiguration":{"DestinationConfig":{"DestinationRegion":"eu-west-1","Uri":"s3://pictures/door"},"Format":"JPEG","FormatConfig":{"JPEGQuality":"90"},"HeightPixels":360,"ImageSelectorType":"SERVER_TIMESTAMP","SamplingInterval":3000,"Status":"ENABLED","WidthPixels":640}`
	const noticeJSON = `"NotificationConfiguration":{"DestinationConfig":{"Uri":"` + topicARN + `"},"Status":"DISABLED"}`
	for name, c := range map[string]struct {
		call    func(s *kvsmedia.Streams) (any, error)
		answers map[string][]string
		asked   []string
		want    any
	}{
		"describe": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.Describe(ctx, "garage") },
			answers: map[string][]string{"/describeStream": {garage("UPDATING", "v1", 720)}, "/describeStreamStorageConfiguration": {`{"StreamStorageConfiguration":{"DefaultStorageTier":"WARM"}}`}},
			asked:   []string{describe, asks("/describeStreamStorageConfiguration", `"StreamARN":"`+garageARN+`"`)},
			want: kvsmedia.Stream{Name: "garage", ARN: garageARN, Version: "v1", Status: "UPDATING", Created: time.Unix(1700000000, 250e6),
				Retention: 720 * time.Hour, KMSKey: "key", Tier: kvsmedia.Warm},
		},
		"describe, by ARN, what is out of all bounds": {
			call: func(s *kvsmedia.Streams) (any, error) { return s.Describe(ctx, garageARN) },
			answers: map[string][]string{"/describeStream": {`{"StreamInfo":{"StreamARN":"a","CreationTime":1e300,"DataRetentionInHours":2000000000}}`},
				"/describeStreamStorageConfiguration": {`{}`}},
			asked: []string{asks("/describeStream", `"StreamARN":"`+garageARN+`"`), asks("/describeStreamStorageConfiguration", `"StreamName":"a"`)},
			want:  kvsmedia.Stream{ARN: "a", Retention: 87600 * time.Hour, Tier: kvsmedia.Hot},
		},
		"create": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return s.Create(ctx, "garage", kvsmedia.StreamSettings{Retention: 720 * time.Hour, KMSKey: "key", Tier: kvsmedia.Warm, Tags: map[string]string{"floor": "0"}})
			},
			answers: map[string][]string{"/createStream": {`{"StreamARN":"` + garageARN + `"}`}},
			asked:   []string{asks("/createStream", `"DataRetentionInHours":720,"KmsKeyId":"key",`+named+`,"StreamStorageConfiguration":{"DefaultStorageTier":"WARM"},"Tags":{"floor":"0"}`)},
			want:    garageARN,
		},
		"create with defaults": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.Create(ctx, "garage", kvsmedia.StreamSettings{}) },
			answers: map[string][]string{"/createStream": {`{"StreamARN":"` + garageARN + `"}`}},
			asked:   []string{asks("/createStream", `"DataRetentionInHours":24,`+named)},
			want:    garageARN,
		},
		"list": {
			call: func(s *kvsmedia.Streams) (any, error) {
				var names []string
				for st, err := range s.List(ctx, "ga") {
					if err != nil {
						return nil, err
					}
					names = append(names, st.Name+" "+st.Version)
				}
				return names, nil
			},
			answers: map[string][]string{"/listStreams": {
				`{"StreamInfoList":[{"StreamName":"garage","Version":"v1"}],"NextToken":"more"}`, `{"StreamInfoList":[],"NextToken":"yet more"}`, `{"StreamInfoList":[{"StreamName":"gate"}]}`}},
			asked: []string{
				asks("/listStreams", `"MaxResults":1000,"StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"ga"}`),
				asks("/listStreams", `"MaxResults":1000,"NextToken":"more","StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"ga"}`),
				asks("/listStreams", `"MaxResults":1000,"NextToken":"yet more","StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"ga"}`)},
			want: []string{"garage v1", "gate "},
		},
		"delete": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.Delete(ctx, garageARN, "v1") },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v2", 1)}, "/deleteStream": {""}},
			asked:   []string{asks("/describeStream", `"StreamARN":"`+garageARN+`"`), asks("/deleteStream", `"CurrentVersion":"v1","StreamARN":"`+garageARN+`"`)},
		},
		"more retention": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.SetRetention(ctx, "garage", "", 24*time.Hour) },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 2), garage("ACTIVE", "v2", 24)}, "/updateDataRetention": {"{}"}},
			asked:   []string{describe, asks("/updateDataRetention", `"CurrentVersion":"v1","DataRetentionChangeInHours":22,"Operation":"INCREASE_DATA_RETENTION",`+named), describe},
		},
		"less retention": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.SetRetention(ctx, "garage", "v1", 0) },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v2", 24), garage("ACTIVE", "v3", 0)}, "/updateDataRetention": {"{}"}},
			asked:   []string{describe, asks("/updateDataRetention", `"CurrentVersion":"v1","DataRetentionChangeInHours":24,"Operation":"DECREASE_DATA_RETENTION",`+named), describe},
		},
		"the same retention": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.SetRetention(ctx, "garage", "", 24*time.Hour) },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}},
			asked:   []string{describe, describe},
		},
		"tier": {
			call: func(s *kvsmedia.Streams) (any, error) { return nil, s.SetTier(ctx, "garage", "", kvsmedia.Warm) },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/describeStreamStorageConfiguration": {`{}`},
				"/updateStreamStorageConfiguration": {"{}"}},
			asked: []string{describe, asks("/describeStreamStorageConfiguration", named),
				asks("/updateStreamStorageConfiguration", `"CurrentVersion":"v1",`+named+`,"StreamStorageConfiguration":{"DefaultStorageTier":"WARM"}`), describe},
		},
		"pictures": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.ImageGeneration(ctx, "garage") },
			answers: map[string][]string{"/describeImageGenerationConfiguration": {"{" + picturesJSON + "}"}},
			asked:   []string{asks("/describeImageGenerationConfiguration", named)},
			want:    pictures,
		},
		"no pictures": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.ImageGeneration(ctx, "garage") },
			answers: map[string][]string{"/describeImageGenerationConfiguration": {`{"ImageGenerationConfiguration":null}`}},
			asked:   []string{asks("/describeImageGenerationConfiguration", named)},
			want:    kvsmedia.ImageGeneration{},
		},
		"set pictures": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.SetImageGeneration(ctx, "garage", pictures) },
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/updateImageGenerationConfiguration": {"{}"}},
			asked:   []string{describe, asks("/updateImageGenerationConfiguration", picturesJSON+","+named), describe},
		},
		"set the least of pictures": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return nil, s.SetImageGeneration(ctx, "garage", kvsmedia.ImageGeneration{URI: "s3://pictures", Every: 200 * time.Millisecond, PNG: true})
			},
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/updateImageGenerationConfiguration": {"{}"}},
			asked: []string{describe, asks("/updateImageGenerationConfiguration",
				`"ImageGenerationConfiguration":{"DestinationConfig":{"DestinationRegion":"eu-west-1","Uri":"s3://pictures"},"Format":"PNG","ImageSelectorType":"PRODUCER_TIMESTAMP","SamplingInterval":200,"Status":"DISABLED"},`+named), describe},
		},
		"remove pictures": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return nil, s.SetImageGeneration(ctx, "garage", kvsmedia.ImageGeneration{})
			},
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/updateImageGenerationConfiguration": {"{}"}},
			asked:   []string{describe, asks("/updateImageGenerationConfiguration", named), describe},
		},
		"notifications": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.Notifications(ctx, "garage") },
			answers: map[string][]string{"/describeNotificationConfiguration": {"{" + noticeJSON + "}"}},
			asked:   []string{asks("/describeNotificationConfiguration", named)},
			want:    kvsmedia.Notifications{Topic: topicARN},
		},
		"set notifications": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return nil, s.SetNotifications(ctx, "garage", kvsmedia.Notifications{Topic: topicARN})
			},
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/updateNotificationConfiguration": {"{}"}},
			asked:   []string{describe, asks("/updateNotificationConfiguration", noticeJSON+","+named), describe},
		},
		"remove notifications": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return nil, s.SetNotifications(ctx, "garage", kvsmedia.Notifications{})
			},
			answers: map[string][]string{"/describeStream": {garage("ACTIVE", "v1", 24)}, "/updateNotificationConfiguration": {"{}"}},
			asked:   []string{describe, asks("/updateNotificationConfiguration", named), describe},
		},
		"tag": {
			call: func(s *kvsmedia.Streams) (any, error) {
				return nil, s.Tag(ctx, "garage", map[string]string{"floor": "0", "room": ""})
			},
			answers: map[string][]string{"/tagStream": {"{}"}},
			asked:   []string{asks("/tagStream", named+`,"Tags":{"floor":"0","room":""}`)},
		},
		"untag": {
			call:    func(s *kvsmedia.Streams) (any, error) { return nil, s.Untag(ctx, "garage", "floor", "room") },
			answers: map[string][]string{"/untagStream": {"{}"}},
			asked:   []string{asks("/untagStream", named+`,"TagKeyList":["floor","room"]`)},
		},
		"tags": {
			call:    func(s *kvsmedia.Streams) (any, error) { return s.ListTags(ctx, "garage") },
			answers: map[string][]string{"/listTagsForStream": {`{"Tags":{"floor":"0"},"NextToken":"more"}`, `{"Tags":{"room":""}}`}},
			asked:   []string{asks("/listTagsForStream", named), asks("/listTagsForStream", `"NextToken":"more",`+named)},
			want:    map[string]string{"floor": "0", "room": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				streams, s := scriptedStreams(t, c.answers)
				got, err := c.call(streams)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(c.want, got) + cmp.Diff(c.asked, s.asked); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// A service that never comes to an end of its pages is not asked for ever.
func TestStreamPagesWithoutEnd(t *testing.T) {
	streams, s := scriptedStreams(t, map[string][]string{
		"/listStreams":       {`{"StreamInfoList":[{"StreamName":"garage"}],"NextToken":"again"}`},
		"/listTagsForStream": {`{"Tags":{"floor":"0"},"NextToken":"again"}`},
	})
	found := 0
	var err error
	for _, err = range streams.List(t.Context(), "") {
		found++
	}
	if err == nil || found != 2 {
		t.Errorf("%d streams, %v", found, err)
	}
	if tags, err := streams.ListTags(t.Context(), "garage"); err == nil {
		t.Errorf("%v without an error", tags)
	}
	if len(s.asked) != 4 {
		t.Errorf("%d calls", len(s.asked))
	}
}

// What the service would refuse is not sent, and its error names the rule.
func TestStreamArguments(t *testing.T) {
	ctx := t.Context()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer srv.Close()
	s := kvsmedia.NewStreams(srv.AWS())
	create := func(name string, set kvsmedia.StreamSettings) error {
		_, err := s.Create(ctx, name, set)
		return err
	}
	pictures := func(change func(*kvsmedia.ImageGeneration)) error {
		g := kvsmedia.ImageGeneration{URI: "s3://pictures", Every: time.Second}
		change(&g)
		return s.SetImageGeneration(ctx, "garage", g)
	}
	listed := func(s *kvsmedia.Streams, prefix string) error {
		for _, err := range s.List(ctx, prefix) {
			return err
		}
		return nil
	}
	tags := map[string]string{}
	for i := range 51 {
		tags[fmt.Sprint(i)] = ""
	}
	long := strings.Repeat("x", 257)
	nowhere, incomplete := kvsmedia.NewStreams(aws.Config{}), kvsmedia.NewStreams(aws.Config{Credentials: srv.AWS().Credentials})
	for _, c := range []struct {
		field, says string
		err         error
	}{
		{"AWS.Credentials", "is nil", func() error { _, err := nowhere.Describe(ctx, garageARN); return err }()},
		{"AWS", "region", func() error { _, err := incomplete.Describe(ctx, garageARN); return err }()},
		{"AWS", "region", listed(incomplete, "")},
		{"name", "1 to 256 of A-Z", create("a b", kvsmedia.StreamSettings{})},
		{"name", "1 to 256 of A-Z", create(long, kvsmedia.StreamSettings{})},
		{"StreamSettings.Retention", "whole hours", create("x", kvsmedia.StreamSettings{Retention: time.Minute})},
		{"StreamSettings.Retention", "87600h", create("x", kvsmedia.StreamSettings{Retention: 87601 * time.Hour})},
		{"StreamSettings.Tier", "Hot and Warm", create("x", kvsmedia.StreamSettings{Tier: 3})},
		{"StreamSettings.KMSKey", "2048", create("x", kvsmedia.StreamSettings{KMSKey: strings.Repeat("k", 2049)})},
		{"StreamSettings.Tags", "51 entries", create("x", kvsmedia.StreamSettings{Tags: tags})},
		{"StreamSettings.Tags", "1 to 128", create("x", kvsmedia.StreamSettings{Tags: map[string]string{long[:129]: ""}})},
		{"Stream", "1 to 256 of A-Z", func() error { _, err := s.Describe(ctx, "a b"); return err }()},
		{"Stream", "is not the ARN of a video stream", func() error { _, err := s.Describe(ctx, "arn:aws:s3:::x"); return err }()},
		{"Stream", "is empty", s.SetTier(ctx, "", "", kvsmedia.Hot)},
		{"AWS.Region", `the stream is in "eu-west-1"`, func() error { _, err := s.Describe(ctx, garageARN); return err }()},
		{"arn", "is not an ARN", s.Delete(ctx, "garage", "")},
		{"version", "1 to 64", s.SetRetention(ctx, "garage", "a-b", time.Hour)},
		{"retention", "whole hours", s.SetRetention(ctx, "garage", "", -time.Hour)},
		{"retention", "whole hours", s.SetRetention(ctx, "garage", "", 90*time.Minute)},
		{"tier", "Hot and Warm", s.SetTier(ctx, "garage", "", 0)},
		{"prefix", "1 to 256 of A-Z", listed(s, "a b")},
		{"tags", "is empty", s.Tag(ctx, "garage", nil)},
		{"tags", "51 entries", s.Tag(ctx, "garage", tags)},
		{"tags", `"a%"`, s.Tag(ctx, "garage", map[string]string{"a%": ""})},
		{"tags", `the key ""`, s.Tag(ctx, "garage", map[string]string{"": "x"})},
		{"tags", "up to 256", s.Tag(ctx, "garage", map[string]string{"a": long})},
		{"keys", "1 to 50", s.Untag(ctx, "garage")},
		{"keys", "1 to 50", s.Untag(ctx, "garage", slices.Collect(maps.Keys(tags))...)},
		{"keys", `the key ""`, s.Untag(ctx, "garage", "a", "")},
		{"ImageGeneration.URI", "s3://bucket/prefix", pictures(func(g *kvsmedia.ImageGeneration) { g.URI = "https://pictures" })},
		{"ImageGeneration.URI", "s3://bucket/prefix", pictures(func(g *kvsmedia.ImageGeneration) { g.URI = "s3:///prefix" })},
		{"ImageGeneration.URI", "without *", pictures(func(g *kvsmedia.ImageGeneration) { g.URI = "s3://pictures/*" })},
		{"ImageGeneration.URI", "255 bytes", pictures(func(g *kvsmedia.ImageGeneration) { g.URI = "s3://" + long })},
		{"ImageGeneration.Region", "bucket in the stream's region", pictures(func(g *kvsmedia.ImageGeneration) { g.Region = "eu-west-1" })},
		{"ImageGeneration.Every", "200ms", pictures(func(g *kvsmedia.ImageGeneration) { g.Every = 0 })},
		{"ImageGeneration.Every", "whole milliseconds", pictures(func(g *kvsmedia.ImageGeneration) { g.Every += time.Microsecond })},
		{"ImageGeneration.Every", "whole milliseconds", pictures(func(g *kvsmedia.ImageGeneration) { g.Every = 1000 * time.Hour })},
		{"ImageGeneration.Quality", "1 to 100", pictures(func(g *kvsmedia.ImageGeneration) { g.Quality = 101 })},
		{"ImageGeneration.Quality", "only JPEG", pictures(func(g *kvsmedia.ImageGeneration) { g.Quality, g.PNG = 80, true })},
		{"ImageGeneration.Width", "3840", pictures(func(g *kvsmedia.ImageGeneration) { g.Width = 3841 })},
		{"ImageGeneration.Height", "2160", pictures(func(g *kvsmedia.ImageGeneration) { g.Height = -1 })},
		{"Notifications.Topic", "standard SNS topic", s.SetNotifications(ctx, "garage", kvsmedia.Notifications{Enabled: true})},
		{"Notifications.Topic", "standard SNS topic", s.SetNotifications(ctx, "garage", kvsmedia.Notifications{Topic: "arn:aws:sqs:us-west-2:123456789012:door"})},
		{"Notifications.Topic", "FIFO", s.SetNotifications(ctx, "garage", kvsmedia.Notifications{Topic: topicARN + ".fifo"})},
	} {
		var config *kvsmedia.ConfigError
		if !errors.As(c.err, &config) || config.Field != c.field || !strings.Contains(config.Reason, c.says) {
			t.Errorf("want %s with %q, got %v", c.field, c.says, c.err)
		}
	}
	if calls := srv.Events(); len(calls) > 0 {
		t.Errorf("sent nevertheless: %v", calls)
	}
}

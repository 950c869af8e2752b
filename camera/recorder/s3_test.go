package recorder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

func TestS3URI(t *testing.T) {
	srv := s3test.NewServer(s3test.Config{})
	defer srv.Close()
	for uri, want := range map[string]bool{
		"s3://pictures": true, "s3://pictures/": true, "s3://pictures/door": false, "pictures": false, "https://pictures": false, "s3://": false, "s3://P": false, "": false,
	} {
		put, err := recorder.S3(srv.AWS(), uri)
		if (err == nil) != want || (put == nil) == want || err != nil && !strings.Contains(err.Error(), "give s3://NAME") {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestS3Config(t *testing.T) {
	srv := s3test.NewServer(s3test.Config{})
	defer srv.Close()
	for field, change := range map[string]func(*aws.Config){
		"aws.Config.Region":      func(c *aws.Config) { c.Region = "" },
		"aws.Config.Credentials": func(c *aws.Config) { c.Credentials = nil },
	} {
		cfg := srv.AWS()
		change(&cfg)
		if put, err := recorder.S3(cfg, "s3://pictures"); put != nil || err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: %v", field, err)
		}
	}
}

// A refusal says what is to be done, and no secret.
func TestS3Refusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := s3test.NewPipeServer(s3test.Config{Authorize: func(a s3test.Access) error {
			if strings.HasPrefix(a.Key, "door/") {
				return nil
			}
			return errors.New("no policy allows this")
		}})
		defer srv.Close()
		for name, region := range map[string]string{"pictures": "", "abroad": "eu-central-1"} {
			if err := srv.AddBucket(name, s3test.BucketConfig{Region: region}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ uri, key, code, want string }{
			{"s3://pictures", "door/1.jpg", "", ""},
			{"s3://pictures", "garage/1.jpg", "AccessDenied", "must allow s3:PutObject on pictures/garage/* in us-west-2"},
			{"s3://absent", "door/1.jpg", "NoSuchBucket", "there is no bucket absent in us-west-2"},
			{"s3://abroad", "door/1.jpg", "PermanentRedirect", `the bucket is in "eu-central-1"`},
		} {
			put, err := recorder.S3(srv.AWS(), c.uri)
			if err != nil {
				t.Fatal(err)
			}
			err = put(t.Context(), c.key, []byte{0xff, 0xd8, 0xff})
			var refused smithy.APIError
			if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &refused) || refused.ErrorCode() != c.code || !strings.Contains(err.Error(), c.want) ||
				strings.Count(err.Error(), "recorder: ") != 1) {
				t.Errorf("%s %s: %v", c.uri, c.key, err)
			}
		}
	})
}

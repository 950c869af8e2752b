package recorder

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// S3 returns a function for Config.PutPicture that puts pictures into the bucket of a URI
// such as s3://pictures, in the region of cfg. The bucket is the whole URI: what is in
// front of a picture's name is Config.PictureFolder, so that an event's key is that of its
// object. The error is of the URI, or says that cfg lacks a region or credentials.
//
// The credentials need s3:PutObject on the folder, and nothing else; if the bucket is
// encrypted with a key of its owner also kms:GenerateDataKey. A picture that is there
// already stays as it is, so that each is put once, also by a device that lost power before
// it knew. cfg is used as by the service clients of the AWS SDK, but for its Retryer: one
// call makes one attempt, of at most 15 s and 1 s for each 8 kB, and the recorder repeats it.
// Where the clock is wrong, or the credentials have expired, it makes a second one with what is
// right. A refusal satisfies smithy.APIError, as does an answer that S3 did not give, with the
// fault smithy.FaultUnknown.
func S3(cfg aws.Config, uri string) (func(ctx context.Context, key string, jpeg []byte) error, error) {
	name, ok := strings.CutPrefix(uri, "s3://")
	if name = strings.TrimSuffix(name, "/"); !ok || !awsapi.ValidBucket(name) {
		return nil, fmt.Errorf("recorder: %.100q is no bucket: give s3://NAME, and what is in front of a picture's name as Config.PictureFolder", uri)
	}
	if cfg.Region == "" {
		return nil, errors.New("recorder: aws.Config.Region is empty: give the bucket's region, such as eu-west-1")
	}
	if cfg.Credentials == nil {
		return nil, errors.New("recorder: aws.Config.Credentials is nil: give a credentials provider")
	}
	bucket := awsapi.NewBucket(cfg, name)
	return func(ctx context.Context, key string, jpeg []byte) error {
		err := bucket.Put(ctx, key, "image/jpeg", jpeg)
		if err == nil {
			return nil
		}
		advice := awsapi.Advice{
			Region: bucket.Region(), Policy: "s3:PutObject on " + path.Join(name, path.Dir(key), "*"), Absent: "bucket " + name,
		}
		return fmt.Errorf("recorder: putting %s into s3://%s: %w", key, name, advice.Explain(bucket.Advise(err)))
	}, nil
}

package camera_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// The benchmarks measure a camera's process alone: the viewers are another
// process, this test binary run again with viewersEnv set.
const viewersEnv = "SMARTCAM_TEST_VIEWERS"

// watchers is the other process: it watches with the grants that it reads from
// standard input, says "ready", and ends with its input.
func watchers() error {
	in := json.NewDecoder(os.Stdin)
	var grants []signaling.Grant
	if err := in.Decode(&grants); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	var work sync.WaitGroup
	defer work.Wait()
	for _, g := range grants {
		v, err := viewer.Dial(context.Background(), viewer.Config{Grant: &g, Logger: quiet, Buffer: time.Millisecond,
			Signaling: signaling.Config{AWS: aws.Config{HTTPClient: client}}})
		if err != nil {
			return err
		}
		defer v.Close()
		work.Go(func() {
			for range v.Frames(context.Background()) {
			}
		})
	}
	fmt.Println("ready")
	var end json.RawMessage
	_ = in.Decode(&end) // at the end of the input
	return nil
}

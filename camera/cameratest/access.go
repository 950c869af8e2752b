package cameratest

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// Principals are "owner", "viewer/<access key>" and "thing/<name>".
const (
	owner        = "owner"
	viewerPrefix = "viewer/"
	thingPrefix  = "thing/"
)

// What a thing may do with the channel of its name: what a camera's IAM policy
// allows on channel/${credentials-iot:ThingName}/*.
var thingActions = []string{
	"CreateSignalingChannel", "DescribeSignalingChannel", "GetSignalingChannelEndpoint", "GetIceServerConfig",
	"ConnectAsMaster", "DescribeMediaStorageConfiguration", "JoinStorageSession",
}

// What a thing may do with the stream of its name, as on
// stream/${credentials-iot:ThingName}/*. It does not read what it has sent.
var thingStreamActions = []string{"CreateStream", "DescribeStream", "TagStream", "GetDataEndpoint", "PutMedia"}

// What a viewer's key may do with its channels.
var viewerActions = []string{
	"DescribeSignalingChannel", "GetSignalingChannelEndpoint", "GetIceServerConfig",
	"ConnectAsViewer", "JoinStorageSessionAsViewer",
}

// identity finds who an access key belongs to.
func (c *Cloud) identity(id string) (signalingtest.Identity, bool) {
	if k, ok := c.keys.find(id); ok {
		return signalingtest.Identity{SecretAccessKey: k.Secret, Principal: k.Principal}, true
	}
	issued, ok := c.things.Lookup(id)
	return signalingtest.Identity{SecretAccessKey: issued.SecretAccessKey, SessionToken: issued.SessionToken,
		Principal: thingPrefix + issued.ThingName, Expires: issued.Expires}, ok
}

var errDenied = errors.New("cameratest: no policy allows this")

// authorize applies the policies.
func (c *Cloud) authorize(a signalingtest.Access) error {
	if a.Principal == owner {
		return nil
	}
	if thing, ok := strings.CutPrefix(a.Principal, thingPrefix); ok {
		if thing != "" && a.Channel == thing && slices.Contains(thingActions, a.Action) {
			return nil
		}
		return errDenied
	}
	if id, ok := strings.CutPrefix(a.Principal, viewerPrefix); ok {
		if k, _ := c.keys.find(id); slices.Contains(k.Channels, a.Channel) && slices.Contains(viewerActions, a.Action) {
			return nil
		}
	}
	return errDenied
}

// authorizeMedia applies the policies of streams. A viewer's key does nothing with
// them.
func (c *Cloud) authorizeMedia(a kvsmediatest.Access) error {
	thing, ok := strings.CutPrefix(a.Principal, thingPrefix)
	if a.Principal == owner || ok && thing != "" && a.Stream == thing && slices.Contains(thingStreamActions, a.Action) {
		return nil
	}
	return errDenied
}

// authorizeBuckets applies the policies of S3: a thing puts what is below its name, and
// reads nothing, not even that.
func (c *Cloud) authorizeBuckets(a s3test.Access) error {
	thing, ok := strings.CutPrefix(a.Principal, thingPrefix)
	if a.Principal == owner || ok && thing != "" && a.Action == "PutObject" && a.Bucket == PictureBucket && strings.HasPrefix(a.Key, thing+"/") {
		return nil
	}
	return errDenied
}

// OwnerAWS returns a configuration with the owner's key, which may do
// everything: for a backend.
func (c *Cloud) OwnerAWS() aws.Config { return c.aws(credentials(c.keys.owner())) }

// ViewerAWS returns a configuration with a key that may connect to the channels
// given as a viewer, and do nothing else: the same key for the same channels.
func (c *Cloud) ViewerAWS(channels ...string) aws.Config {
	return c.aws(credentials(c.keys.viewer(channels)))
}

func (c *Cloud) aws(provider aws.CredentialsProvider) aws.Config {
	return aws.Config{Region: c.cfg.Region, BaseEndpoint: aws.String(c.url), HTTPClient: c.client, Credentials: provider}
}

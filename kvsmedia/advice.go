package kvsmedia

import "github.com/smartcam-sdk/smartcam/internal/awsapi"

// dataPlane are the calls that only follow when the stream was found.
var dataPlane = map[string]bool{
	"ListFragments": true, "GetMedia": true, "GetMediaForFragmentList": true, "GetClip": true, "GetImages": true,
	"GetHLSStreamingSessionURL": true, "GetDASHStreamingSessionURL": true,
}

// explain adds to a refusal of a call, or to an error of the network on the way to it,
// what can be done about it. stream is what the call is about, empty if it is about none.
func explain(c *awsapi.Client, err error, api, stream string) error {
	if awsapi.FromProvider(err) {
		return err
	}
	switch code := awsapi.Code(err); {
	case code == mismatch:
		return awsapi.Hint(err, "the stream was changed after it had that version: describe it again, or give no version")
	case code == "NoDataRetentionException":
		return awsapi.Hint(err, "the stream keeps no media: Streams.SetRetention first")
	case code == "AccountStreamLimitExceededException":
		return awsapi.Hint(err, "delete streams, or ask AWS for a higher quota of streams in "+c.Region())
	case code == "UnsupportedStreamMediaTypeException" && dataPlane[api],
		code == "InvalidCodecPrivateDataException" && api == "GetClip":
		return awsapi.Hint(err, "players take one video track and one AAC track after it, the same in all of the range; where they change, "+
			"Archive.SameTracks cuts a Run, and MediaForFragments reads any track")
	case code == "ResourceNotFoundException" && dataPlane[api]:
		return awsapi.Hint(err, "stream "+stream+" holds no media of that time, or was deleted")
	}
	advice := awsapi.Advice{Policy: "kinesisvideo:" + api, Absent: "stream " + stream, Region: c.Region()}
	if stream != "" {
		advice.Policy += " on stream " + stream
	}
	return advice.Explain(c.Advise(err))
}

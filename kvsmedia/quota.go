package kvsmedia

// quota returns how many calls a second the service takes of one stream, by the
// name that GetDataEndpoint has for the API ("Kinesis Video Streams quotas").
func quota(api string) int {
	switch api {
	case "GET_HLS_STREAMING_SESSION_URL", "GET_DASH_STREAMING_SESSION_URL":
		return 25
	}
	return 5
}

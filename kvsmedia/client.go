package kvsmedia

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// writeBuffer is the size in bytes of the buffer before a media connection:
// net/http's 4 KiB make four times as many system calls.
const writeBuffer = 64 << 10

// mediaClient returns the HTTP client for media: the one configured, where that
// can be adapted with HTTP/1.1 alone, larger buffers and no limit on the time of
// a whole exchange, which a session would break. close drops its idle connections.
func mediaClient(c aws.HTTPClient) (_ aws.HTTPClient, close func()) {
	var tr *http.Transport
	switch c := c.(type) {
	case nil:
		tr, _ = awsapi.NewHTTPClient().Transport.(*http.Transport)
	case *awshttp.BuildableClient:
		tr = c.GetTransport()
	case *http.Client:
		switch t := c.Transport.(type) {
		case nil:
			if d, ok := http.DefaultTransport.(*http.Transport); ok {
				tr = d.Clone()
			}
		case *http.Transport:
			tr = t.Clone()
		default:
			timeless := *c
			timeless.Timeout, timeless.CheckRedirect = 0, noRedirect
			return &timeless, func() {}
		}
	}
	if tr == nil {
		return c, func() {}
	}
	tr.WriteBufferSize = writeBuffer
	tr.DisableCompression = true
	tr.ResponseHeaderTimeout = 0
	tr.ForceAttemptHTTP2 = false
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(true)
	if tr.TLSClientConfig != nil {
		tr.TLSClientConfig.NextProtos = nil // with HTTP/2 in it if the transport was used
	}
	return &http.Client{Transport: tr, CheckRedirect: noRedirect}, tr.CloseIdleConnections
}

// noRedirect is of every client: a redirect would take the session token along.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

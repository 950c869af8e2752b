package signalingtest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func Example() {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	master, err := signaling.DialMaster(ctx, srv.Config("front-door"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer master.Close()
	viewer, err := signaling.DialViewer(ctx, srv.Config("front-door"), "viewer-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer viewer.Close()

	if err := viewer.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer","sdp":"v=0"}`)}); err != nil {
		fmt.Println(err)
		return
	}
	m, err := master.Receive(ctx)
	fmt.Println(m.Kind, m.Peer, err)
	// Output: offer viewer-1 <nil>
}

func ExampleService_Refuse() {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	srv.Refuse("DescribeSignalingChannel", 2, signalingtest.Error{Status: 503, Name: "ServiceUnavailableException"})
	master, err := signaling.DialMaster(ctx, srv.Config("front-door"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer master.Close()
	fmt.Println("connected after", srv.Calls("DescribeSignalingChannel"), "calls")
	// Output: connected after 3 calls
}

package iotcredstest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// The service fails once; what a device does then can be tested.
func ExampleService_Refuse() {
	server := iotcredstest.NewServer(iotcredstest.Config{})
	defer server.Close()
	cfg := server.Config("camera-1")
	provider, err := iotcreds.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer provider.Close()

	server.Refuse("AssumeRoleWithCertificate", 1, iotcredstest.Error{Status: 503})
	_, err = provider.Retrieve(context.Background())
	if refusal := new(iotcreds.Error); errors.As(err, &refusal) {
		fmt.Println(refusal.StatusCode)
	}
	provider.Invalidate() // does not wait for the end of the back-off
	_, err = provider.Retrieve(context.Background())
	fmt.Println(err)
	// Output:
	// 503
	// <nil>
}

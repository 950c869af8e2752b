package iotcreds_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// A device fetches its credentials. Instead of the double, a real device gets
// its Config from LoadConfig or fills it in.
func Example() {
	server := iotcredstest.NewServer(iotcredstest.Config{})
	defer server.Close()
	cfg := server.Config("camera-1")

	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
	awsConfig := aws.Config{Region: "eu-west-1", Credentials: provider}

	creds, err := awsConfig.Credentials.Retrieve(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(creds.Source, time.Until(creds.Expires).Round(time.Hour))
	// Output: IotCredentialsProvider 1h0m0s
}

// The files of a device, as LoadConfig expects them.
func ExampleLoadConfig() {
	cfg, err := iotcreds.LoadConfig("/etc/camera")
	if err != nil {
		log.Fatal(err) // it names the file
	}
	cfg.BuildTime = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // this device has no battery for its clock
	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
}

// Certificate and key are in memory, for example from a sealed partition.
func ExampleConfig_WithPEM() {
	unseal := func(name string) []byte {
		data, err := os.ReadFile("/sealed/" + name)
		if err != nil {
			log.Fatal(err)
		}
		return data
	}
	cfg, err := iotcreds.Config{
		Endpoint:  "c1a2b3.credentials.iot.eu-west-1.amazonaws.com",
		RoleAlias: "camera",
		ThingName: "camera-1",
	}.WithPEM(unseal("certificate"), unseal("key"), nil)
	if err != nil {
		log.Fatal(err)
	}
	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
}

// A refusal says what is wrong in the account.
func ExampleError() {
	server := iotcredstest.NewServer(iotcredstest.Config{})
	defer server.Close()
	cfg := server.Config("camera-1")
	cfg.RoleAlias = "camera-alias"
	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()

	_, err = provider.Retrieve(context.Background())
	if refusal := new(iotcreds.Error); errors.As(err, &refusal) {
		fmt.Println(refusal.StatusCode, refusal.Message)
	}
	// Output: 404 Role alias does not exist
}

// The certificate is replaced while the device runs; the next request uses the
// new one. Its key may be in a secure element: any crypto.Signer will do.
func ExampleConfig_rotation() {
	server := iotcredstest.NewServer(iotcredstest.Config{})
	defer server.Close()
	cfg := server.Config("camera-1")
	store := cfg.Certificate
	cfg.Certificate = tls.Certificate{}
	cfg.GetCertificate = func() (*tls.Certificate, error) { return &store, nil }
	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
	_, err = provider.Retrieve(context.Background())
	fmt.Println("first certificate:", err)

	if err := server.Revoke(store.Leaf); err != nil {
		log.Fatal(err)
	}
	if store, err = server.AddThing("camera-1"); err != nil {
		log.Fatal(err)
	}
	provider.Invalidate() // as if the credentials were about to expire
	_, err = provider.Retrieve(context.Background())
	fmt.Println("second certificate:", err)
	// Output:
	// first certificate: <nil>
	// second certificate: <nil>
}

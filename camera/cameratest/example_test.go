package cameratest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// A program with a cloud of its own. Tests have [cameratest.NewCloud].
func ExampleNew() {
	cloud, err := cameratest.New(cameratest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := cloud.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	if _, err := cloud.AddDevice("front-door"); err != nil {
		log.Fatal(err)
	}
	channel, err := signaling.NewChannels(cloud.OwnerAWS()).Describe(context.Background(), "front-door")
	fmt.Println(channel.Name, channel.Status, err)
	// Output: front-door ACTIVE <nil>
}

// An aws.Config of one's own for a cloud that runs elsewhere: its URL and the
// authority of its certificates, which is ca.pem in the cloud's directory.
func ExampleCloud_RootPEM() {
	cloud, err := cameratest.New(cameratest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := cloud.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	url, pem, credentials := cloud.URL(), cloud.RootPEM(), cloud.OwnerAWS().Credentials

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	cfg := aws.Config{Region: "us-west-2", BaseEndpoint: &url, HTTPClient: client, Credentials: credentials}

	defer client.CloseIdleConnections()
	arn, err := signaling.NewChannels(cfg).Create(context.Background(), "garage", signaling.ChannelSettings{})
	fmt.Println(arn != "", err)
	// Output: true <nil>
}

package main

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// A program that was started with the environment of localcloud (. localcloud-state/env)
// finds the stand-in cloud, its roots and the owner's key as it finds AWS.
func Example() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for channel, err := range signaling.NewChannels(cfg).List(context.Background(), "") {
		fmt.Println(channel.Name, err)
	}
}

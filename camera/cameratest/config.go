package cameratest

import (
	"log/slog"
	"net"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// Config says where the cloud is and what it is like. The zero Config serves on
// free ports of 127.0.0.1 and keeps nothing.
type Config struct {
	// Dir keeps everything that clients can know: the authority, long-term keys,
	// things and their files, issued credentials, channels with their ARNs and storage
	// configurations, streams with their media, and pictures. A client that has cached any of it
	// goes on after a restart, given the same Ports. It is created if need be; it holds
	// secrets. One Cloud at a time has it: another one fails to start, except on
	// Windows. Empty: everything is new with each Cloud.
	Dir string

	// Host is the IP address or name under which clients reach the cloud. It
	// stands in all endpoints and certificates. Empty means 127.0.0.1.
	Host string

	// Names are further addresses and names to put into the certificates.
	Names []string

	// Bind is the IP address to listen on. Empty means Host if that is an
	// address, all addresses otherwise.
	Bind string

	// CredentialsHost is the address or name of the credentials provider, for
	// clients that know no port but 443: both listeners can then have it. Empty
	// means Host. If it is an address it is also the one to listen on.
	CredentialsHost string

	// TURNHost is the address or name of the TURN server, so that it can have
	// port 443 as well, as in AWS. It listens on that address, or on the first
	// one of the name, IPv4 before IPv6. Empty means Host, and Bind.
	TURNHost string

	Ports Ports

	Region  string // "us-west-2"
	Account string // "123456789012"

	// CredentialLife is how long issued credentials last. Zero means an hour;
	// AWS allows 15 minutes to 12 hours.
	CredentialLife time.Duration

	// Allocations is how many TURN allocations a channel may have at once.
	// Zero means 50, as in AWS; negative, no limit.
	Allocations int

	// Signaling has the limits, times, variants and storage peer of the
	// signaling service. Region, Account, Dir, Credentials, Authorize, TURN and Passed
	// are the cloud's own.
	Signaling signalingtest.Config

	// Media has the limits, times and variants of streams and their media, and
	// where images and notifications go; images go to S3 if PutImage is nil. Region,
	// Account, Dir, Credentials and Authorize are the cloud's own.
	Media kvsmediatest.Config

	// S3 has the limits of the bucket of pictures ([PictureBucket]) and who hears of its
	// objects. Region, Account, Dir, Credentials and Authorize are the cloud's own.
	S3 s3test.Config

	// Origins are those whose pages may call the bucket of pictures; "*" stands for all.
	// None means, as in AWS, that pages show its pictures and read none.
	Origins []string

	// RetentionHours is how long the streams of things keep their media. Zero
	// means 24, a negative number that they keep none.
	RetentionHours int

	// Logger is told at level Debug of every call, message and acknowledgement, with a
	// detail if it was refused, and of trouble at level Warn. Devices and viewers have
	// it as well. Nil discards, except in NewCloud.
	Logger *slog.Logger
}

// Ports are the ports to listen on; zero means a free one. A client that knows
// no port but 443 (the AWS C SDK) needs 443 for AWS and for Credentials, with
// Config.CredentialsHost.
type Ports struct {
	AWS         int // control plane, channel and media endpoints, WebSockets, S3
	Credentials int // IoT credentials provider
	TURN        int // UDP; of the second TURN server the next number
	TURNS       int // DTLS over UDP and TLS over TCP; likewise
}

func (c *Config) setDefaults() {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Bind == "" && net.ParseIP(c.Host) != nil {
		c.Bind = c.Host
	}
	if c.CredentialsHost == "" {
		c.CredentialsHost = c.Host
	}
	if c.Region == "" {
		c.Region = "us-west-2"
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.Allocations == 0 {
		c.Allocations = 50
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

package iotcredstest

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// DefaultRoleAlias is the role alias that every Service has from the start.
const DefaultRoleAlias = "smartcam"

// Config says what the stand-in service is like. Every zero field has the default
// that it documents. It is copied by the functions that take it.
type Config struct {
	// CA is the authority, with its key, that certifies the service and the devices.
	// Zero means a new one, or the one that Dir holds.
	CA tls.Certificate

	// Hosts are names and addresses in the service's certificate besides localhost,
	// 127.0.0.1 and ::1. The first is the host of Service.Endpoint.
	Hosts []string

	// Endpoint is the host, or host and port, that devices are given. Empty means the
	// first of Hosts, or localhost; of a [Server] with the port that it listens on.
	Endpoint string

	// Dir keeps certificates, policies, role aliases, issued credentials until an hour
	// after their end, and the authority unless CA is given, over a restart. It is
	// created if need be; it holds secrets. Empty keeps everything in memory.
	Dir string

	// Addr is the TCP address at which [NewServer] listens. Empty means a free port of
	// 127.0.0.1.
	Addr string

	// Skew is the offset of the service's clock from the local clock: of its
	// certificate always, of all else until Service.Skew.
	Skew time.Duration

	// Logger is told of every request at level Debug, and of what hangs in Close at
	// level Warn; nil discards.
	Logger *slog.Logger
}

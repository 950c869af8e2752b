package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/examples/program"
)

// ports are the flags of the ports to listen on.
type ports struct{ aws, credentials, turn, turns *int }

func definePorts(fs *program.Flags) *ports {
	const most = 65535
	return &ports{
		aws:         fs.Whole("aws-port", 8443, 0, most, "`port` of the control plane, signaling, media and S3; 0 for a free one, as with the others"),
		credentials: fs.Whole("credentials-port", 8444, 0, most, "`port` of the credentials provider"),
		turn:        fs.Whole("turn-port", 3478, 0, most-1, "`port` of TURN over UDP; the second TURN server has the next one"),
		turns:       fs.Whole("turns-port", 5349, 0, most-1, "`port` of TURN over TLS and DTLS; the second TURN server has the next one"),
	}
}

func (p *ports) values() cameratest.Ports {
	return cameratest.Ports{AWS: *p.aws, Credentials: *p.credentials, TURN: *p.turn, TURNS: *p.turns}
}

// explain names the flag of a port that cannot be listened on.
func (p *ports) explain(err error) error {
	var failed *net.OpError
	if !errors.As(err, &failed) || failed.Op != "listen" {
		return err
	}
	port := 0
	switch a := failed.Addr.(type) {
	case *net.TCPAddr:
		port = a.Port
	case *net.UDPAddr:
		port = a.Port
	}
	var flags []string
	for _, f := range []struct {
		name        string
		first, last int
	}{
		{"-aws-port", *p.aws, *p.aws}, {"-credentials-port", *p.credentials, *p.credentials},
		{"-turn-port", *p.turn, *p.turn + 1}, {"-turns-port", *p.turns, *p.turns + 1},
	} {
		if f.first != 0 && f.first <= port && port <= f.last {
			flags = append(flags, f.name)
		}
	}
	named := strings.Join(flags, " and ")
	switch {
	case len(flags) == 0:
		return err
	case !errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %w", named, err)
	case len(flags) > 1:
		return fmt.Errorf("%s: %d is in use, by the other one or another localcloud? 0 takes a free one", named, port)
	}
	return fmt.Errorf("%s: %d is in use, by another localcloud? 0 takes a free one", named, port)
}

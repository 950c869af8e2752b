package path

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// lookupLimit bounds the look-up of a TURN or STUN server's name.
const lookupLimit = 6 * time.Second

// ResolveUDPAddr looks up the address of a TURN or STUN server. It ends with the
// session.
func (n *Network) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	ip, port, err := n.resolve(network, address)
	if err != nil {
		return nil, err
	}
	return &net.UDPAddr{IP: ip, Port: port}, nil
}

// resolve looks up a host and port as net.ResolveUDPAddr does: network is such
// as "udp4".
func (n *Network) resolve(network, address string) (net.IP, int, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("webrtc: %q is no port: %w", service, err)
	}
	if host == "" {
		return nil, int(port), nil
	}
	family := "ip"
	if last := network[len(network)-1]; last == '4' || last == '6' {
		family += string(last)
	}
	ctx, cancel := context.WithTimeout(n.ctx, lookupLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIP(ctx, family, host)
	if err != nil {
		return nil, 0, err
	}
	return ips[0], int(port), nil
}

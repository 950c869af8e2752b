// Package netlab is an internet in a test: hosts with network namespaces of
// their own, and between them a router written in Go, with NATs, firewalls and
// links of any kind. It needs Linux, root and the command ip.
//
// # Hosts
//
// [New] makes a lab, [Lab.Host] a host. A host gets its interfaces with
// [Host.Join], each to a [Network] that says what stands between it and the
// internet, and loses them with [Host.Leave], as a phone does that walks out of
// reach of its Wi-Fi. Names that all hosts know are set with [Lab.Name].
//
// What runs on a host is a process: the test binary itself in a role that the
// package's TestMain declares with [Main] ([Host.Run]), or any command
// ([Host.Launch]). A role is told what to do and answers in lines of JSON.
//
//	func TestMain(m *testing.M) {
//		netlab.Main(map[string]netlab.Role{"camera": runCamera})
//		os.Exit(m.Run())
//	}
//
// # The router
//
// A host's interface is a TUN device whose other end is the lab. A packet goes
// through the sender's network, then through the receiver's, and is changed,
// delayed or dropped on the way. NATs behave exactly as RFC 4787 classes them:
//
//	                   mapping                  filtering
//	FullCone           endpoint-independent     endpoint-independent
//	AddressRestricted  endpoint-independent     address-dependent
//	PortRestricted     endpoint-independent     address- and port-dependent
//	Symmetric          address- and             address- and
//	                   port-dependent           port-dependent
//
// for UDP and TCP alike. They keep the port where it is free, all but the
// symmetric one, and their mappings last as long as the network. IPv6 is not
// translated; behind a NAT it is filtered as by a firewall (RFC 6092): address-
// and port-dependent. There is no hairpinning and no ICMP between hosts, and
// fragments are dropped, as many real networks do.
//
// # Narrow links
//
// A link with an MTU answers a larger packet with ICMP "packet too big", or
// with nothing if it is a black hole. In that case it clamps the segment size
// of TCP connections (MSS), as networks do that are black holes to UDP.
package netlab

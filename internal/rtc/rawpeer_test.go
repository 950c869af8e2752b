package rtc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
)

// rawPeer is a peer made of ICE, DTLS and SRTP alone, which offers what SDP it is
// told to and looks at what comes, whatever the SDP says.
type rawPeer struct {
	agent       *ice.Agent
	fragment    string
	password    string
	fingerprint string
	dtls        []dtls.Option

	conn    *ice.Conn
	packets chan []byte // DTLS, from the connection
	srtp    *srtp.Context
	out     *srtp.Context
	secure  *dtls.Conn
	got     chan rtp.Packet
	done    chan struct{}
}

func newRawPeer(t *testing.T) *rawPeer {
	t.Helper()
	agent, err := ice.NewAgentWithOptions(ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithIncludeLoopback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Close() })
	cert := must(selfsign.GenerateSelfSigned())
	p := &rawPeer{agent: agent, packets: make(chan []byte, 64), got: make(chan rtp.Packet, 4096), done: make(chan struct{})}
	p.fragment, p.password, err = agent.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	p.fingerprint = "sha-256 " + strings.ToUpper(must(fingerprint.Fingerprint(cert.Leaf, crypto.SHA256)))
	p.dtls = []dtls.Option{dtls.WithCertificates(cert), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret)}
	return p
}

// as makes an offer the peer's own: with its credentials, and without candidates,
// which come by themselves.
func (p *rawPeer) as(text string) string {
	for pattern, value := range map[string]string{
		`a=ice-ufrag:[^\r\n]*`: "a=ice-ufrag:" + p.fragment, `a=ice-pwd:[^\r\n]*`: "a=ice-pwd:" + p.password,
		`a=fingerprint:[^\r\n]*`: "a=fingerprint:" + p.fingerprint, `a=candidate:[^\r\n]*[\r\n]+`: "",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllLiteralString(text, value)
	}
	return text
}

// connect goes through ICE, DTLS and SRTP with the session that gave the answer.
func (p *rawPeer) connect(ctx context.Context, s *Session, payload []byte) error {
	answer, err := sdp.Parse(payload, "answer")
	if err != nil {
		return err
	}
	var t sdp.Transport
	for _, m := range answer.Media {
		if m.Port != 0 {
			t = m.Transport
			break
		}
	}
	if err := p.agent.OnCandidate(func(c ice.Candidate) {
		if c != nil {
			_ = s.AddCandidate([]byte(fmt.Sprintf(`{"candidate":"candidate:%s"}`, c.Marshal())))
		}
	}); err != nil {
		return err
	}
	if err := p.agent.GatherCandidates(); err != nil {
		return err
	}
	for _, c := range answer.Candidates {
		remote, err := ice.UnmarshalCandidate(strings.TrimPrefix(c.Line(), "candidate:"))
		if err != nil {
			return err
		}
		if err := p.agent.AddRemoteCandidate(remote); err != nil {
			return err
		}
	}
	if p.conn, err = p.agent.Dial(ctx, t.Fragment, t.Password); err != nil {
		return fmt.Errorf("ICE: %w", err)
	}
	go p.read()
	if err := p.handshake(ctx, t.Setup == "passive"); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	return nil
}

func (p *rawPeer) handshake(ctx context.Context, client bool) (err error) {
	under := &dtlsConn{p: p}
	if client {
		var options []dtls.ClientOption
		for _, o := range p.dtls {
			options = append(options, o)
		}
		p.secure, err = dtls.ClientWithOptions(under, p.conn.RemoteAddr(), options...)
	} else {
		options := []dtls.ServerOption{dtls.WithInsecureSkipVerifyHello(true)}
		for _, o := range p.dtls {
			options = append(options, o)
		}
		p.secure, err = dtls.ServerWithOptions(under, p.conn.RemoteAddr(), options...)
	}
	if err != nil {
		return err
	}
	if err := p.secure.HandshakeContext(ctx); err != nil {
		return err
	}
	state, ok := p.secure.ConnectionState()
	if !ok {
		return errors.New("no state")
	}
	cfg := &srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return err
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
	if err != nil {
		return err
	}
	if p.out, err = srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile); err != nil {
		return err
	}
	p.srtp = in
	close(p.done)
	return nil
}

// read tells what comes apart (RFC 7983, 7): DTLS, and RTP, which it decrypts.
func (p *rawPeer) read() {
	buf := make([]byte, 2000)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			close(p.packets)
			return
		}
		b := append([]byte(nil), buf[:n]...)
		switch {
		case n > 0 && b[0] >= 20 && b[0] < 64:
			select {
			case p.packets <- b:
			default:
			}
		case n > 12 && b[0] >= 128 && (b[1] < 192 || b[1] > 223):
			select {
			case <-p.done:
			default:
				continue // before the keys
			}
			plain, err := p.srtp.DecryptRTP(nil, b, nil)
			var packet rtp.Packet
			if err != nil || packet.Unmarshal(plain) != nil {
				continue
			}
			select {
			case p.got <- packet:
			default:
			}
		}
	}
}

// sendRTP sends a packet, encrypted.
func (p *rawPeer) sendRTP(packet *rtp.Packet) error {
	b, err := packet.Marshal()
	if err != nil {
		return err
	}
	if b, err = p.out.EncryptRTP(nil, b, nil); err != nil {
		return err
	}
	_, err = p.conn.Write(b)
	return err
}

// dtlsConn is the connection as DTLS sees it.
type dtlsConn struct {
	p        *rawPeer
	mu       sync.Mutex
	deadline time.Time
}

func (d *dtlsConn) ReadFrom(b []byte) (int, net.Addr, error) {
	d.mu.Lock()
	var limit <-chan time.Time
	if !d.deadline.IsZero() {
		limit = time.After(time.Until(d.deadline))
	}
	d.mu.Unlock()
	select {
	case packet, ok := <-d.p.packets:
		if !ok {
			return 0, nil, io.EOF
		}
		return copy(b, packet), d.p.conn.RemoteAddr(), nil
	case <-limit:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (d *dtlsConn) WriteTo(b []byte, _ net.Addr) (int, error) { return d.p.conn.Write(b) }
func (d *dtlsConn) Close() error                              { return d.p.conn.Close() }
func (d *dtlsConn) LocalAddr() net.Addr                       { return d.p.conn.LocalAddr() }
func (d *dtlsConn) SetDeadline(t time.Time) error             { return d.SetReadDeadline(t) }
func (d *dtlsConn) SetWriteDeadline(time.Time) error          { return nil }

func (d *dtlsConn) SetReadDeadline(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deadline = t
	return nil
}

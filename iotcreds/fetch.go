package iotcreds

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	maxHeader  = 16 << 10 // bytes of status line and header of an answer
	maxInterim = 5        // 1xx answers before the real one
)

// fetch asks the server for new credentials, on a connection of its own: the
// certificate of the moment is used, and nothing is left behind.
func (p *Provider) fetch(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	device := time.Now()
	now := p.Now()
	at := later(now, p.cfg.BuildTime)
	creds, err := p.ask(ctx, at)
	if _, wrongTime := verificationTime(err); wrongTime && p.ClockOffset() != 0 {
		now, at = device, later(device, p.cfg.BuildTime) // the correction may be what is wrong
		creds, err = p.ask(ctx, at)
	}
	if begin, wrongTime := verificationTime(err); wrongTime && begin.After(at) && now.Before(p.cfg.BuildTime) {
		p.cfg.Logger.Warn("iotcreds: the clock is before BuildTime and tells nothing; the server is verified as of the beginning of its certificate",
			"clock", now, "build_time", p.cfg.BuildTime, "verified_at", begin)
		creds, err = p.ask(ctx, begin)
	}
	if err != nil {
		return aws.Credentials{}, p.explain(err, at)
	}
	return creds, nil
}

// verificationTime reports whether err is the refusal of a server certificate
// because of the time, and when all certificates that came have begun to be
// valid.
func verificationTime(err error) (begin time.Time, wrong bool) {
	var verify *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &verify) || !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		return time.Time{}, false
	}
	for _, cert := range verify.UnverifiedCertificates {
		begin = later(begin, cert.NotBefore)
	}
	return begin, true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// ask makes one request. The server's certificates are verified as of at.
func (p *Provider) ask(ctx context.Context, at time.Time) (aws.Credentials, error) {
	conn, err := p.connect(ctx, at)
	if err != nil {
		return aws.Credentials{}, &noAnswer{err}
	}
	defer conn.NetConn().Close()
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()

	resp, err := p.roundTrip(ctx, conn)
	if err != nil {
		return aws.Credentials{}, &noAnswer{inTime(ctx, err)}
	}
	p.learn(resp.Header, conn.ConnectionState().VerifiedChains)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return aws.Credentials{}, fmt.Errorf("the answer (status %d) has more than %d bytes", resp.StatusCode, maxBody)
	case err != nil:
		return aws.Credentials{}, fmt.Errorf("reading the answer (status %d): %w", resp.StatusCode, inTime(ctx, err))
	case resp.StatusCode != http.StatusOK:
		return aws.Credentials{}, parseError(resp.StatusCode, resp.Header, body)
	}
	return parseCredentials(body)
}

// connect dials the endpoint and shakes hands.
func (p *Provider) connect(ctx context.Context, at time.Time) (*tls.Conn, error) {
	dial := p.cfg.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	dialCtx, cancel := context.WithTimeout(ctx, p.cfg.Timeout*3/5)
	defer cancel()
	raw, err := dial(dialCtx, "tcp", p.address)
	if err != nil {
		return nil, inTime(dialCtx, err)
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName:           p.host,
		RootCAs:              p.cfg.RootCAs,
		GetClientCertificate: p.cfg.certificate,
		MinVersion:           tls.VersionTLS12,
		Time:                 func() time.Time { return at },
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, inTime(ctx, err)
	}
	return conn, nil
}

func (p *Provider) roundTrip(ctx context.Context, conn net.Conn) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"https://"+p.cfg.Endpoint+"/role-aliases/"+url.PathEscape(p.cfg.RoleAlias)+"/credentials", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	req.Header.Set("Accept", "*/*")
	req.Header.Set("User-Agent", "smartcam-iotcreds")
	req.Header.Set("x-amzn-iot-thingname", p.cfg.ThingName)

	sent := req.Write(conn)
	// With TLS 1.3 a refused certificate shows only now, also where it broke
	// the write.
	r := bufio.NewReader(io.LimitReader(conn, maxHeader+maxBody+1))
	for range maxInterim {
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			if sent != nil && !refusedTLS(err) {
				return nil, fmt.Errorf("sending the request: %w", sent)
			}
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		if resp.StatusCode >= 200 {
			return resp, nil
		}
	}
	return nil, errors.New("the server sends interim answers without end")
}

// learn corrects the clock by the Date of an answer, whatever its status. A
// date is not believed if it is certainly wrong: before BuildTime, or outside of
// the validity of the server's own certificates. Believing it would make later
// handshakes fail.
func (p *Provider) learn(header http.Header, chains [][]*x509.Certificate) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	wrong := date.Before(p.cfg.BuildTime)
	for _, chain := range chains {
		for _, cert := range chain {
			wrong = wrong || date.Before(cert.NotBefore) || date.After(cert.NotAfter)
		}
	}
	if wrong {
		p.cfg.Logger.Warn("iotcreds: the server's date is before BuildTime or outside of its own certificate, and is not used", "date", date)
		return
	}
	r := p.read()
	p.mu.Lock()
	before := p.clock.offset(r)
	p.clock = learn(r, date)
	after := p.clock.offset(r)
	p.mu.Unlock()
	if (after - before).Abs() > clockTolerance {
		p.cfg.Logger.Warn("iotcreds: the device's clock is corrected by the server's date", "clock", r.wall, "offset", after)
	}
}

// explain adds what to do, and turns a refused handshake into an Error.
func (p *Provider) explain(err error, at time.Time) error {
	var refusal *Error
	var unknown x509.UnknownAuthorityError
	_, wrongTime := verificationTime(err)
	switch {
	case errors.As(err, &refusal):
		return refusal
	case refusedTLS(err):
		return &Error{Code: codeTLSRefused, Message: tlsRefusal(err)}
	case wrongTime:
		return fmt.Errorf("iotcreds: %s at %s: %w: it is %s by the device's clock; set the clock, or Config.BuildTime for a device that boots without one",
			p.cfg.ThingName, p.address, err, at.UTC().Format(time.RFC3339))
	case errors.As(err, &unknown):
		return fmt.Errorf("iotcreds: %s at %s: %w: Config.RootCAs must hold the server's authority (Amazon Root CA 1 and 3), and Config.Endpoint must be right",
			p.cfg.ThingName, p.address, err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fmt.Errorf("iotcreds: %s at %s: %w: is there a network, and is Config.Endpoint right?", p.cfg.ThingName, p.address, err)
	}
	return fmt.Errorf("iotcreds: %s at %s: %w", p.cfg.ThingName, p.address, err)
}

// refusedTLS reports whether err is an alert that the server sent.
func refusedTLS(err error) bool { return tlsRefusal(err) != "" }

func tlsRefusal(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" { // crypto/tls names alerts so
		return op.Err.Error()
	}
	return ""
}

// inTime replaces the error of an operation that ctx ended. It is not the
// context's own error: no caller's context ended.
func inTime(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer in time: %w", os.ErrDeadlineExceeded)
	}
	return err
}

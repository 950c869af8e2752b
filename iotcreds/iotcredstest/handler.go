package iotcredstest

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Fault is a way to misbehave.
type Fault struct {
	// Times is how many requests, or handshakes with RefuseTLS, meet the
	// fault. Zero means all until the next Inject.
	Times int

	// Delay is how long every answer takes.
	Delay time.Duration

	// BlackHole never answers.
	BlackHole bool

	// RefuseTLS refuses the client certificate by a TLS alert.
	RefuseTLS bool

	// Status is an answer's status instead of the regular answer, such as 429
	// or 503, with Code (header x-amzn-ErrorType) and Message.
	Status        int
	Code, Message string

	// Body is the body of an answer with Status, instead of Message.
	Body []byte
}

// Inject makes the server misbehave, instead of as it did before. The zero
// Fault makes it behave.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// takeFault returns the fault that a request (or a handshake) meets.
func (s *Server) takeFault(handshake bool) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fault
	if f.RefuseTLS != handshake {
		return Fault{}
	}
	if f.Times == 1 {
		s.fault = Fault{}
	} else if f.Times > 1 {
		s.fault.Times--
	}
	return f
}

func (s *Server) verifyConnection(tls.ConnectionState) error {
	if s.takeFault(true).RefuseTLS {
		return errors.New("iotcredstest: refusing the certificate, as told")
	}
	return nil
}

// ServeHTTP answers a request for credentials. The request must have come over
// TLS; without a client certificate it is refused.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	f := s.takeFault(false)
	if f.Delay > 0 || f.BlackHole {
		var answer <-chan time.Time
		if !f.BlackHole {
			timer := time.NewTimer(f.Delay)
			defer timer.Stop()
			answer = timer.C
		}
		select {
		case <-answer:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			panic(http.ErrAbortHandler)
		}
	}
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	if f.Status != 0 {
		if f.Body == nil {
			refuse(w, f.Status, f.Code, f.Message)
			return
		}
		if f.Code != "" {
			w.Header().Set("x-amzn-ErrorType", f.Code)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
		w.WriteHeader(f.Status)
		_, _ = w.Write(f.Body) // a client that is gone needs no answer
		return
	}
	issued, refusal := s.answer(r)
	if refusal != nil {
		s.cfg.Logger.Debug("iotcredstest: refused", "path", r.URL.Path, "err", refusal)
		refusal.Write(w)
		return
	}
	s.cfg.Logger.Debug("iotcredstest: issued", "thing", issued.ThingName, "alias", issued.RoleAlias, "expires", issued.Expires)
	awsapitest.WriteJSON(w, map[string]any{"credentials": map[string]string{
		"accessKeyId":     issued.AccessKeyID,
		"secretAccessKey": issued.SecretAccessKey,
		"sessionToken":    issued.SessionToken,
		"expiration":      issued.Expires.Format(time.RFC3339),
	}})
}

// answer checks a request in the service's order.
func (s *Server) answer(r *http.Request) (Issued, *awsapitest.Error) {
	path, ok := strings.CutPrefix(r.URL.Path, "/role-aliases/")
	alias, isCredentials := strings.CutSuffix(path, "/credentials")
	if !ok || !isCredentials || strings.Contains(alias, "/") || r.Method != http.MethodGet {
		return Issued{}, refusal(http.StatusNotFound, "ResourceNotFoundException", "Not Found")
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deviceLocked(r.TLS)
	if d == nil {
		return Issued{}, accessDenied("Certificate is invalid on this endpoint")
	}
	thing := r.Header.Get("x-amzn-iot-thingname")
	if thing != "" && thing != d.thing {
		return Issued{}, accessDenied("Invalid thing name passed")
	}
	if allowed, limited := s.allowed[d.thing]; limited && !slices.Contains(allowed, alias) {
		return Issued{}, accessDenied("Access Denied")
	}
	role, ok := s.aliases[alias]
	switch {
	case !ok:
		return Issued{}, refusal(http.StatusNotFound, "ResourceNotFoundException", "Role alias does not exist")
	case role.NoRole:
		return Issued{}, refusal(http.StatusBadRequest, "InvalidRequestException", "Unable to assume the role, or the role to assume does not exist")
	case role.MaxSession > 0 && role.Lifetime > role.MaxSession:
		return Issued{}, refusal(http.StatusBadRequest, "InvalidRequestException", "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role")
	}
	return s.issueLocked(thing, alias, role.Lifetime), nil
}

// deviceLocked returns who holds the connection's certificate; nil if it is
// unknown, revoked or expired.
func (s *Server) deviceLocked(state *tls.ConnectionState) *device {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	cert := state.PeerCertificates[0]
	d := s.certs[sha256.Sum256(cert.Raw)]
	if d == nil || d.revoked || s.nowLocked().After(cert.NotAfter) {
		return nil
	}
	return d
}

func accessDenied(message string) *awsapitest.Error {
	return refusal(http.StatusForbidden, "AccessDeniedException", message)
}

func refusal(status int, name, message string) *awsapitest.Error {
	return &awsapitest.Error{Status: status, Name: name, Message: message, LowerKey: true}
}

func refuse(w http.ResponseWriter, status int, name, message string) {
	refusal(status, name, message).Write(w)
}

package iotcredstest

import (
	"crypto/sha256"
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// ServeHTTP answers a request for credentials. The request must have come over TLS;
// without a client certificate it is refused.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	err := s.core.Call(r.Context(), assumeRole)
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat)) // as late as a delay
	alias, thing := "", strings.Clone(r.Header.Get("x-amzn-iot-thingname"))
	var issued Issued
	if err == nil {
		if alias, err = roleAlias(r); err == nil {
			issued, err = s.answer(r.TLS, thing, alias)
		}
	}
	if err != nil {
		s.core.Note(double.Event{Name: assumeRole, On: thing, Part: alias, Detail: err.Error()})
		awsapitest.WriteError(w, err)
		return
	}
	s.core.Note(double.Event{Name: "Issued", On: thing, Part: alias})
	awsapitest.WriteJSON(w, map[string]any{"credentials": map[string]string{
		"accessKeyId":     issued.AccessKeyID,
		"secretAccessKey": issued.SecretAccessKey,
		"sessionToken":    issued.SessionToken,
		"expiration":      issued.Expires.Format(time.RFC3339),
	}})
}

// roleAlias returns the role alias that a request is for.
func roleAlias(r *http.Request) (string, error) {
	path, ok := strings.CutPrefix(r.URL.Path, "/role-aliases/")
	alias, isCredentials := strings.CutSuffix(path, "/credentials")
	if !ok || !isCredentials || strings.Contains(alias, "/") || r.Method != http.MethodGet {
		return "", refusal(http.StatusNotFound, "ResourceNotFoundException", "Not Found")
	}
	return strings.Clone(alias), nil
}

// answer checks a request in the service's order.
func (s *Service) answer(state *tls.ConnectionState, thing, alias string) (Issued, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deviceLocked(state)
	if d == nil {
		return Issued{}, accessDenied("Certificate is invalid on this endpoint")
	}
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
	return s.issueLocked(thing, alias, role.Lifetime)
}

// deviceLocked returns the connection's certificate; nil if it is unknown, revoked or
// expired.
func (s *Service) deviceLocked(state *tls.ConnectionState) *certificate {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	cert := state.PeerCertificates[0]
	d := s.certs[sha256.Sum256(cert.Raw)]
	if d == nil || d.revoked || s.Now().After(cert.NotAfter) {
		return nil
	}
	return d
}

func accessDenied(message string) error {
	return refusal(http.StatusForbidden, "AccessDeniedException", message)
}

func refusal(status int, name, message string) error {
	return &awsapitest.Error{Status: status, Name: name, Message: message, LowerKey: true}
}

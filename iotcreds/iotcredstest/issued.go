package iotcredstest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// remembered is how long credentials are known after their end, so that a service can
// tell them from unknown ones.
const remembered = time.Hour

// Issued is what a service needs to know of credentials that a Service issued.
type Issued struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	// ThingName is ${credentials-iot:ThingName}: empty if the request did not
	// name the thing.
	ThingName string

	RoleAlias string
	Expires   time.Time // by the service's clock
}

// Identity is what a service knows about an access key. It converts to the Identity of
// the other doubles, for their Config.Credentials.
type Identity struct {
	SecretAccessKey string
	SessionToken    string
	Principal       string // the thing's name: see Issued.ThingName
	Expires         time.Time
}

// Identity returns the identity of an access key, as Lookup does.
func (s *Service) Identity(accessKeyID string) (Identity, bool) {
	c, ok := s.Lookup(accessKeyID)
	return Identity{c.SecretAccessKey, c.SessionToken, c.ThingName, c.Expires}, ok
}

// Lookup returns the credentials with the given access key ID. Expired ones are
// found for an hour more, so that a service can tell them from unknown ones.
func (s *Service) Lookup(accessKeyID string) (issued Issued, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	issued, ok = s.issued[accessKeyID]
	return issued, ok && !s.forgotten(issued)
}

// forgotten reports whether credentials ended too long ago to be kept.
func (s *Service) forgotten(c Issued) bool { return !s.Now().Before(c.Expires.Add(remembered)) }

// Expire ends all credentials that were issued to the thing: Lookup tells that
// they expire now. The device is not told.
func (s *Service) Expire(thing string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	var errs []error
	for id, c := range s.issued {
		if c.ThingName == thing && c.Expires.After(now) {
			c.Expires = now
			errs = append(errs, put(s.issued, s.files.issued, id, c, c))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("iotcredstest: expiring the credentials of %s: %w", thing, err)
	}
	return nil
}

// issueLocked makes credentials, which are on disk before they are handed out.
func (s *Service) issueLocked(thing, alias string, life time.Duration) (Issued, error) {
	for id, c := range s.issued {
		if s.forgotten(c) {
			if err := s.files.issued.Remove(id); err != nil {
				return Issued{}, err
			}
			delete(s.issued, id)
		}
	}
	if len(s.issued) >= maxKept {
		return Issued{}, refusal(http.StatusTooManyRequests, "ThrottlingException", fmt.Sprintf("%d credentials have not expired yet", maxKept))
	}
	if life == 0 {
		life = time.Hour
	}
	c := Issued{
		AccessKeyID:     "ASIA" + rand.Text()[:16],
		SecretAccessKey: random(30), // 40 characters
		SessionToken:    random(600),
		ThingName:       thing,
		RoleAlias:       alias,
		Expires:         s.Now().Add(life).UTC().Truncate(time.Second),
	}
	return c, put(s.issued, s.files.issued, c.AccessKeyID, c, c)
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

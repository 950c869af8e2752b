package iotcredstest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// What devices and tests can make a service keep is bounded.
func TestBounds(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range maxKept - 1 {
		name := fmt.Sprint(i)
		s.issued[name] = Issued{AccessKeyID: name, Expires: time.Now().Add(time.Hour)}
		s.certs[sha256.Sum256([]byte(name))] = &certificate{}
		s.allowed[name] = nil
		if i > 0 { // there is the default one
			s.aliases[name] = RoleAlias{}
		}
	}
	for range 2 { // the last one, and one too many
		_, err := s.issueLocked("door", "alias", 0)
		_, full := s.AddThing("door")
		for what, err := range map[string]error{
			"credentials":  err,
			"certificates": full,
			"policies":     s.Allow(fmt.Sprint(len(s.allowed), "new")),
			"aliases":      s.SetRoleAlias(fmt.Sprint(len(s.aliases), "new"), RoleAlias{}),
		} {
			if (err != nil) != (full != nil) {
				t.Errorf("%s: %v", what, err)
			}
		}
		var refusal *awsapitest.Error
		if full != nil && (!errors.As(err, &refusal) || refusal.Status != 429) {
			t.Errorf("credentials are refused by %v", err)
		}
	}
	if len(s.issued) != maxKept || len(s.certs) != maxKept || len(s.allowed) != maxKept || len(s.aliases) != maxKept {
		t.Errorf("%d, %d, %d, %d", len(s.issued), len(s.certs), len(s.allowed), len(s.aliases))
	}
	if err := s.Allow("0", "changed"); err != nil {
		t.Errorf("what is there cannot be changed: %v", err)
	}
}

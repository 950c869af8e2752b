package iotcreds_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestRefusals(t *testing.T) {
	const alias = iotcredstest.DefaultRoleAlias
	for name, test := range map[string]struct {
		arrange func(*testing.T, *iotcredstest.Server, *iotcreds.Config)
		want    iotcreds.Error
		advice  string
		fault   smithy.ErrorFault
	}{
		"revoked certificate": {
			func(t *testing.T, s *iotcredstest.Server, cfg *iotcreds.Config) {
				if err := s.Revoke(cfg.Certificate.Leaf); err != nil {
					t.Fatal(err)
				}
			},
			iotcreds.Error{StatusCode: 403, Code: "AccessDeniedException", Message: "Certificate is invalid on this endpoint"},
			"registered and ACTIVE", smithy.FaultClient,
		},
		"foreign certificate": {
			func(t *testing.T, _ *iotcredstest.Server, cfg *iotcreds.Config) {
				other, err := iotcredstest.New(iotcredstest.Config{})
				if err != nil {
					t.Fatal(err)
				}
				if cfg.Certificate, err = other.AddThing(thing); err != nil {
					t.Fatal(err)
				}
			},
			iotcreds.Error{StatusCode: 403, Code: "AccessDeniedException", Message: "Certificate is invalid on this endpoint"},
			"registered and ACTIVE", smithy.FaultClient,
		},
		"wrong thing": {
			func(_ *testing.T, _ *iotcredstest.Server, cfg *iotcreds.Config) { cfg.ThingName = "cam-2" },
			iotcreds.Error{StatusCode: 403, Code: "AccessDeniedException", Message: "Invalid thing name passed"},
			"Config.ThingName", smithy.FaultClient,
		},
		"policy": {
			func(t *testing.T, s *iotcredstest.Server, _ *iotcreds.Config) { ok(t, s.Allow(thing, "other")) },
			iotcreds.Error{StatusCode: 403, Code: "AccessDeniedException", Message: "Access Denied"},
			"iot:AssumeRoleWithCertificate", smithy.FaultClient,
		},
		"alias in other case": {
			func(_ *testing.T, _ *iotcredstest.Server, cfg *iotcreds.Config) { cfg.RoleAlias = "SmartCam" },
			iotcreds.Error{StatusCode: 404, Code: "ResourceNotFoundException", Message: "Role alias does not exist"},
			"case matters", smithy.FaultClient,
		},
		"role": {
			func(t *testing.T, s *iotcredstest.Server, _ *iotcreds.Config) {
				ok(t, s.SetRoleAlias(alias, iotcredstest.RoleAlias{NoRole: true}))
			},
			iotcreds.Error{StatusCode: 400, Code: "InvalidRequestException", Message: "Unable to assume the role, or the role to assume does not exist"},
			"credentials.iot.amazonaws.com", smithy.FaultClient,
		},
		"duration": {
			func(t *testing.T, s *iotcredstest.Server, _ *iotcreds.Config) {
				ok(t, s.SetRoleAlias(alias, iotcredstest.RoleAlias{Lifetime: 2 * time.Hour, MaxSession: time.Hour}))
			},
			iotcreds.Error{StatusCode: 400, Code: "InvalidRequestException", Message: "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role"},
			"credentialDurationSeconds", smithy.FaultClient,
		},
		"data endpoint": {
			refuse(iotcredstest.Error{Status: 404, Body: []byte(`{"message":"Not Found","traceId":"1a2b"}`)}),
			iotcreds.Error{StatusCode: 404, Code: "UnknownError", Message: "Not Found"},
			"data endpoint", smithy.FaultClient,
		},
		"throttled": {
			refuse(iotcredstest.Error{Status: 429}),
			iotcreds.Error{StatusCode: 429, Code: "ThrottlingException", Message: "Too Many Requests"},
			"quota for AssumeRoleWithCertificate", smithy.FaultClient,
		},
		"service": {
			refuse(iotcredstest.Error{Status: 500, Name: "com.amazon.iot#InternalFailureException:http://internal.amazon.com/", Message: "it\nbroke"}),
			iotcreds.Error{StatusCode: 500, Code: "InternalFailureException", Message: "it broke"},
			"asked again", smithy.FaultServer,
		},
		"no words at all": {
			refuse(iotcredstest.Error{Status: 403, Body: []byte("<html>")}),
			iotcreds.Error{StatusCode: 403, Code: "UnknownError", Message: "Forbidden"},
			"attached to the thing", smithy.FaultClient,
		},
		"redirect": {
			refuse(iotcredstest.Error{Status: 302}),
			iotcreds.Error{StatusCode: 302, Code: "UnknownError", Message: "Found"},
			"iot:CredentialProvider", smithy.FaultClient,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				p := newProvider(t, s, func(cfg *iotcreds.Config) { test.arrange(t, s, cfg) })
				got := refused(t, p)
				if *got != test.want {
					t.Errorf("got %#v, want %#v", *got, test.want)
				}
				if !strings.Contains(got.Error(), test.advice) {
					t.Errorf("%q does not advise %q", got, test.advice)
				}
				var e smithy.APIError = got
				if e.ErrorCode() != test.want.Code || e.ErrorMessage() != test.want.Message || e.ErrorFault() != test.fault {
					t.Errorf("as API error: %s, %s, %s", e.ErrorCode(), e.ErrorMessage(), e.ErrorFault())
				}
			})
		})
	}
}

// TestSDKRetries asks the retryer of the AWS SDK, whose calls retrieve
// credentials inside of its loop.
func TestSDKRetries(t *testing.T) {
	for status, want := range map[int]bool{400: false, 403: false, 404: false, 429: true, 500: true, 503: true} {
		synctest.Test(t, func(t *testing.T) {
			s := memory(t)
			s.Refuse(api, -1, iotcredstest.Error{Status: status, Message: strings.Repeat("long ", 1000)})
			_, err := newProvider(t, s, nil).Retrieve(t.Context())
			if got := retry.NewStandard().IsErrorRetryable(err); got != want {
				t.Errorf("status %d: retryable %v", status, got)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("an error text of %d bytes", len(err.Error()))
			}
		})
	}
}

func refuse(err iotcredstest.Error) func(*testing.T, *iotcredstest.Server, *iotcreds.Config) {
	return func(_ *testing.T, s *iotcredstest.Server, _ *iotcreds.Config) { s.Refuse(api, -1, err) }
}

// TestPrecedence breaks everything and repairs it in the order of the checks.
func TestPrecedence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const alias = iotcredstest.DefaultRoleAlias
		s := memory(t)
		cfg := s.Config("cam-2")
		leaf := cfg.Certificate.Leaf
		if err := s.Revoke(leaf); err != nil {
			t.Fatal(err)
		}
		ok(t, s.Allow(thing, "other"))
		ok(t, s.RemoveRoleAlias(alias))
		cfg.ThingName = thing
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
		p, err := iotcreds.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for _, step := range []struct {
			message string
			repair  func() error
		}{
			{"Certificate is invalid on this endpoint", func() error { return s.AddCertificate("cam-2", leaf) }},
			{"Invalid thing name passed", func() error { return s.AddCertificate(thing, leaf) }},
			{"Access Denied", func() error { return s.Allow(thing, alias) }},
			{"Role alias does not exist", func() error {
				return s.SetRoleAlias(alias, iotcredstest.RoleAlias{NoRole: true, Lifetime: 2 * time.Hour, MaxSession: time.Hour})
			}},
			{"Unable to assume the role, or the role to assume does not exist", func() error {
				return s.SetRoleAlias(alias, iotcredstest.RoleAlias{Lifetime: 2 * time.Hour, MaxSession: time.Hour})
			}},
			{"The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role", func() error {
				return s.SetRoleAlias(alias, iotcredstest.RoleAlias{Lifetime: time.Hour, MaxSession: time.Hour})
			}},
		} {
			if e := refused(t, p); e.Message != step.message {
				t.Fatalf("got %q, want %q", e.Message, step.message)
			}
			ok(t, step.repair())
			wait(t.Context(), time.Second)
			p.Invalidate()
		}
		retrieve(t, p)
	})
}

func TestUnusableAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer iotcredstest.Error
		want   string
	}{
		"empty":              {iotcredstest.Error{Status: 200, Body: []byte{}}, "not the documented JSON"},
		"other shape":        {iotcredstest.Error{Status: 200, Body: []byte(`{"AccessKeyId":"a","SecretAccessKey":"b","Token":"c"}`)}, "not the documented JSON"},
		"too large":          {iotcredstest.Error{Status: 200, Body: []byte(strings.Repeat(" ", 17<<10))}, "more than 16384 bytes"},
		"too large, refusal": {iotcredstest.Error{Status: 403, Body: []byte(strings.Repeat(" ", 17<<10))}, "more than 16384 bytes"},
		"expired": {iotcredstest.Error{Status: 200, Body: []byte(
			`{"credentials":{"accessKeyId":"a","secretAccessKey":"b","sessionToken":"c","expiration":"1999-12-31T23:59:59Z"}}`)}, "the clocks disagree"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				s.Refuse(api, -1, test.answer)
				_, err := newProvider(t, s, nil).Retrieve(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
				if refusal := new(iotcreds.Error); errors.As(err, &refusal) {
					t.Error("an unusable answer is no refusal")
				}
			})
		})
	}
}

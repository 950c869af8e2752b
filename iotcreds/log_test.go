package iotcreds_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// TestFailuresAreToldOnce has requests fail that somebody waits for, who gets the
// error, and renewals that nobody waits for, which cost few lines of the log.
func TestFailuresAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		var log logBuffer
		p := newProvider(t, s, func(c *iotcreds.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		s.Refuse(api, -1, iotcredstest.Error{Status: 403, Name: "AccessDeniedException", Message: "Access Denied"})
		for range 3 { // the first one asks, the others hear that it is not asked again
			_, err := p.Retrieve(t.Context())
			if err == nil || strings.Count(err.Error(), "iotcreds:") != 1 || !strings.Contains(err.Error(), "iot:AssumeRoleWithCertificate on this role alias's ARN") {
				t.Errorf("Retrieve: %v", err)
			}
		}
		if log.String() != "" {
			t.Errorf("what is returned is logged as well:\n%s", log.String())
		}

		s.Refuse(api, 0, iotcredstest.Error{})
		p.Invalidate()
		creds := retrieve(t, p)
		s.Refuse(api, -1, iotcredstest.Error{Status: 500})
		before := s.Calls(api)
		wait(t.Context(), time.Until(creds.Expires)-time.Second)
		lines := strings.Count(log.String(), "level=WARN")
		if asked := s.Calls(api) - before; asked < 15 || lines < 1 || lines > 4 || strings.Count(log.String(), "\n") != lines {
			t.Errorf("%d warnings for %d failures:\n%s", lines, asked, log.String())
		}
		s.Refuse(api, 0, iotcredstest.Error{})
		p.Invalidate()
		retrieve(t, p)
		if !strings.Contains(log.String(), `level=INFO msg="iotcreds: new credentials"`) {
			t.Errorf("the end of the outage is not logged:\n%s", log.String())
		}
	})
}

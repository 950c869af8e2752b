package iotcreds_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// TestSecretsStayInside has every kind of answer carry canaries, and looks for
// them in the log, the errors and the printed provider.
func TestSecretsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const canary = "1234567890123456789"
		s := memory(t)
		var log logBuffer
		p := newProvider(t, s, func(cfg *iotcreds.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
		})
		whole := `{"credentials":{"accessKeyId":"` + canary + `","secretAccessKey":"` + canary + `","sessionToken":"` + canary + `","expiration":"%s"}}`
		var out strings.Builder
		for _, body := range []string{
			fmt.Sprintf(whole, s.Now().Add(time.Hour).UTC().Format(time.RFC3339)),
			fmt.Sprintf(whole, "2000-01-01T00:00:00Z"),
			fmt.Sprintf(whole, canary),
			`{"credentials":{"secretAccessKey":` + canary + `}}`,
			`{"credentials":{"secretAccessKey":"` + canary + `\n"}}`,
			`{"credentials":{"secretAccessKey":"` + canary,
			canary,
			whole + strings.Repeat(" ", 20<<10),
		} {
			for _, status := range []int{200, 403, 500} {
				s.Refuse(api, -1, iotcredstest.Error{Status: status, Body: []byte(body)})
				_, err := p.Retrieve(t.Context())
				fmt.Fprintf(&out, "%v %+v %#v %v %+v\n", err, err, err, p, p)
				wait(t.Context(), time.Minute)
				p.Invalidate()
			}
		}
		text := out.String() + log.String()
		if !strings.Contains(text, "new credentials") || strings.Count(text, "no new credentials") < 20 {
			t.Fatalf("the cases did not happen:\n%s", text)
		}
		for line := range bytes.Lines([]byte(text)) {
			if bytes.Contains(line, []byte(canary)) {
				t.Errorf("a secret in %s", line)
			}
		}
	})
}

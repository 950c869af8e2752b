package recorder_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// book is a log that is read while it is written.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(line)
}

func (b *book) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// answers makes an answer to everything.
func answers(status int, header [2]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header[0] != "" {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a caller that is gone needs no answer
	}
}

// refusal is an answer in the words of S3.
func refusal(status int, code, message string) http.HandlerFunc {
	return answers(status, [2]string{"X-Amz-Request-Id", "4442587FB7D0A2F9"}, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
}

// trickle answers without end, some bytes a second.
func trickle(w http.ResponseWriter, _ *http.Request) {
	for err := error(nil); err == nil; err = http.NewResponseController(w).Flush() {
		_, _ = w.Write([]byte("<Error>")) // Flush says so
		time.Sleep(time.Second)
	}
}

// TestHostileBucket has a bucket for ten minutes, or what answers in its place, that does what it
// likes: attempts are few and end soon, a log and the status stay short and hold no secret, no
// picture counts as put that is not, and in the end all are.
func TestHostileBucket(t *testing.T) {
	type harm struct {
		begin, end func(a *album)
	}
	answer := func(h http.HandlerFunc) harm {
		return harm{func(a *album) { a.s3.Answer("PutObject", -1, h) }, func(a *album) { a.s3.Answer("PutObject", 0, nil) }}
	}
	for name, c := range map[string]harm{
		"accepts and drops": {func(a *album) { a.s3.Drop("PutObject", -1) }, func(a *album) { a.s3.Drop("PutObject", 0) }},
		"never answers":     {func(a *album) { a.s3.Delay("PutObject", 24*time.Hour) }, func(a *album) { a.s3.Delay("PutObject", 0) }},
		"elsewhere":         answer(answers(307, [2]string{"Location", "https://elsewhere.test/x"}, "")),
		"moved":             answer(answers(301, [2]string{"X-Amz-Bucket-Region", strings.Repeat("eu-west-1", 1000)}, "<Error><Code>PermanentRedirect</Code></Error>")),
		"a large refusal":   answer(refusal(503, "SlowDown", strings.Repeat("Please reduce your request rate. ", 1<<12))),
		"names of itself":   answer(refusal(400, strings.Repeat("Odd", 1<<10), strings.Repeat("x", 100_000))),
		"lines for the log": answer(refusal(400, "Odd\nlevel=ERROR", "x\r\nlevel=ERROR msg=fake \x1b[31m")),
		"an error as a 200": answer(refusal(200, "InternalError", "We encountered an internal error.")),
		"a portal":          answer(answers(200, [2]string{"Content-Type", "text/html"}, "<html>Welcome")),
		"an empty 200":      answer(answers(200, [2]string{}, "")),
		"no content":        answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }),
		"a trickle":         answer(trickle),
		"another clock":     answer(refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")),
		"a mad clock": answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Date(2099, 1, 1, time.Now().Minute(), 0, 0, 0, time.UTC).Format(http.TimeFormat))
			refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")(w, r)
		}),
		"busy":             answer(refusal(503, "SlowDown", "Please reduce your request rate.")),
		"a wrong checksum": answer(refusal(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")),
		"quotes secrets": answer(func(w http.ResponseWriter, r *http.Request) {
			said := "The request signature we calculated does not match. The Canonical String for this request should have been '" + r.Header.Get("Authorization") + "'"
			refusal(403, "SignatureDoesNotMatch", said+"?X-Amz-Signature="+r.Header.Get("Authorization"))(w, r)
		}),
		"expired for ever": answer(refusal(400, "ExpiredToken", "The provided token has expired.")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &book{}
				a := newAlbum(t, func(c *recorder.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
				defer a.close()
				a.record()
				time.Sleep(20 * time.Second)
				c.begin(a)
				for range 2 {
					a.shoot(1000)
					time.Sleep(5 * time.Minute)
				}
				st := a.Status()
				if st.Pictures != 2 || st.PutPicture == nil || len(st.PutPicture.Error()) > 2000 {
					t.Errorf("%d wait, %.3000v", st.Pictures, st.PutPicture)
				}
				if n := a.s3.Calls("PutObject"); n > 40 || n < 5 {
					t.Errorf("%d attempts in ten minutes", n)
				}
				c.end(a)
				a.until(5*time.Minute, func() bool { return a.Status().Pictures == 0 })
				time.Sleep(2 * time.Second)
				a.arrived()
				for _, secret := range []string{"Signature=", "AWS4-HMAC"} {
					if text := log.text(); strings.Contains(text, secret) || len(text) > 20_000 || strings.Contains(text, "\nlevel=ERROR") || strings.Contains(text, "\x1b") {
						t.Errorf("the log has %d bytes: %.2000s", len(text), text)
					}
				}
			})
		})
	}
}

package double

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// A whole server runs inside a bubble, under URLs with any scheme.
func TestPipeListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewPipeListener()
		served := make(chan error)
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			awsapitest.WriteJSON(w, map[string]string{"Host": r.Host})
		})}
		go func() { served <- srv.Serve(l) }()
		client := l.Client()
		start := time.Now()
		time.Sleep(time.Hour) // the bubble's clock
		resp, err := client.Get("https://kinesisvideo.test/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		var v struct{ Host string }
		if err != nil || json.Unmarshal(body, &v) != nil || v.Host != "kinesisvideo.test" {
			t.Errorf("got %s, %v", body, err)
		}
		if date, err := http.ParseTime(resp.Header.Get("Date")); err != nil || date.Sub(start) < time.Hour {
			t.Errorf("Date %v, %v: not the bubble's clock", date, err)
		}
		client.CloseIdleConnections()
		srv.Close()
		<-served
		if _, err := client.Get("http://x/"); err == nil {
			t.Error("dialled a closed listener")
		}
	})
}

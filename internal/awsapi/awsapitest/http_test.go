package awsapitest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestErrorWrite(t *testing.T) {
	for _, c := range []struct {
		e    Error
		body string
	}{
		{Error{Status: 404, Name: "ResourceNotFoundException", Message: "no <channel>"}, `{"Message":"no <channel>"}`},
		{Error{Status: 400, Name: "InvalidClientException", Message: "m", LowerKey: true}, `{"message":"m"}`},
		{Error{Status: 403, Name: "AccessDeniedException", NoBody: true}, ``},
		{Error{Status: 403, Message: "m", TypeInBody: true}, `{"Message":"m","__type":""}`},
	} {
		w := httptest.NewRecorder()
		c.e.Write(w)
		if w.Code != c.e.Status || w.Body.String() != c.body || w.Header().Get("x-amzn-ErrorType") != c.e.Name ||
			len(w.Header().Get("x-amzn-RequestId")) != 36 {
			t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
		}
	}
}

func TestDecodeMindsCase(t *testing.T) {
	var v struct {
		ChannelName string
		Nested      struct {
			Protocols []string `json:"protocols"`
		}
		Tags []struct{ Key string }
	}
	const body = `{"channelName":"wrong","ChannelName":"right","Nested":{"Protocols":["wrong"],"protocols":["right"]},
		"Tags":[{"key":"wrong","Key":"right"}],"Unknown":{}}`
	if err := Decode([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	if v.ChannelName != "right" || len(v.Nested.Protocols) != 1 || v.Nested.Protocols[0] != "right" || v.Tags[0].Key != "right" {
		t.Errorf("got %+v", v)
	}
	for _, bad := range []string{`{`, `[]`, `{"ChannelName":5}`, `{"Tags":{}}`, `{"Nested":{"protocols":[{}]}}`} {
		if Decode([]byte(bad), &v) == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"ChannelName":"x","Tags":[{"Key":"a"}],"Map":{"a":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var v struct {
			ChannelName string
			Tags        []struct{ Key string }
			Map         map[string]any
			Ptr         *struct{ A int }
		}
		_ = Decode(body, &v)
	})
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Limiter
		count := func(n int) (allowed int) {
			for range n {
				if l.Allow("a", 3) {
					allowed++
				}
			}
			return allowed
		}
		if n := count(10); n != 3 {
			t.Errorf("burst of %d, want 3", n)
		}
		time.Sleep(time.Second) // the bubble's clock
		if n := count(10); n != 3 {
			t.Errorf("%d after a second, want 3", n)
		}
		time.Sleep(time.Hour)
		if n := count(10); n != 3 {
			t.Errorf("%d after an hour, want 3", n)
		}
		if !l.Allow("b", 3) || !l.Allow("a", 0) {
			t.Error("another key, or no limit, was refused")
		}
	})
}

func TestAllowOrigins(t *testing.T) {
	h := AllowOrigins(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { WriteJSON(w, nil) }))
	w := httptest.NewRecorder()
	r := httptest.NewRequest("OPTIONS", "/describeSignalingChannel", nil)
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-date")
	h.ServeHTTP(w, r)
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "authorization,x-amz-date" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 200 || !strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "x-amzn-ErrorType") {
		t.Errorf("call: %d %v", w.Code, w.Header())
	}
}

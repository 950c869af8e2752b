package clipapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each route answers as its documentation says, and what it cannot do with a reason.
func TestRoutes(t *testing.T) {
	f := newFake(4)
	kept, gone := string(f.clips[1].ID), string(f.clips[0].ID)
	for _, c := range []struct {
		method, target, body string
		code                 int
		want                 string // part of the body
	}{
		{"GET", "/clips", "", 200, `"more":false`},
		{"HEAD", "/clips", "", 200, ""},
		{"GET", "/clips/" + kept, "", 200, `"state":"kept"`},
		{"GET", "/clips/" + gone, "", 200, `"state":"uploaded"`},
		{"GET", "/clips/01JNONE", "", 404, "no such clip"},
		{"GET", "/clips/" + gone + "/receipt", "", 200, `"fragments":[{"number":"1"`},
		{"GET", "/clips/" + kept + "/receipt", "", 200, `"fragments":[]`},
		{"GET", "/clips/01JNONE/receipt", "", 404, "no such clip"},
		{"GET", "/clips/" + gone + ".mp4", "", 410, "this clip is uploaded and not on the device"},
		{"GET", "/clips/01JNONE.mp4", "", 404, "no such clip"},
		{"GET", "/clips/" + kept + "/picture", "", 200, "a JPEG of "},
		{"GET", "/clips/" + kept + "/picture?event=01JX", "", 200, "a JPEG of 01JX"},
		{"GET", "/clips/" + kept + "/picture?event=01JNONE", "", 404, "no such picture"},
		{"GET", "/clips/" + gone + "/picture", "", 404, "no such picture"},
		{"GET", "/clips/01JNONE/picture", "", 404, "no such clip"},
		{"POST", "/clips/" + kept + "/protect", `{"protected":true}`, 200, `"protected":true`},
		{"POST", "/clips/" + kept + "/protect", `{"protected":false}`, 200, `"id":"` + kept},
		{"POST", "/clips/" + kept + "/protect", `{}`, 400, `want {"protected": true}`},
		{"POST", "/clips/01JNONE/protect", `{"protected":true}`, 404, "no such clip"},
		{"POST", "/events", `{"type":"motion","score":0.5}`, 200, `{"clip":"01JNEW"}`},
		{"POST", "/events", `{}`, 400, "Event.Type is empty"},
		{"POST", "/events", `{"typ":"motion"}`, 400, `unknown field "typ"`},
		{"POST", "/events", `{"type":"motion"} {}`, 400, "something after it"},
		{"POST", "/events", ``, 400, "the body has to be JSON"},
		{"POST", "/events", "\xff\xd8\xff", 400, "a JPEG with Content-Type: image/jpeg"},
		{"POST", "/events", `{"type":"motion","picture":"/9j/4AAQ"}`, 400, "post the JPEG itself"},
		{"POST", "/events", `{"type":"` + strings.Repeat("x", 16<<10) + `"}`, 400, "too large"},
		{"GET", "/events", "", 405, ""},
		{"PUT", "/clips/" + kept, "", 405, ""},
		{"GET", "/clips/a/b", "", 404, ""},
		{"DELETE", "/clips/01JNONE", "", 404, "no such clip"},
		{"DELETE", "/clips/" + kept, "", 204, ""},
		{"GET", "/clips/" + kept, "", 404, ""},
	} {
		if w := ask(t, f, c.method, c.target, c.body); w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", c.method, c.target, c.body, w.Code, w.Body, c.code, c.want)
		}
	}
	if len(f.told) != 1 || f.told[0].Score != 0.5 {
		t.Errorf("the recorder was told of %+v", f.told)
	}
	if w := ask(t, f, "GET", "/clips/"+gone+"/picture", ""); w.Header().Get("Content-Type") == "image/jpeg" {
		t.Error("an error is a picture")
	}
	if w := ask(t, f, "POST", "/events?type=person&id=01JID", "a JPEG", "Content-Type", "image/jpeg; x=y"); w.Code != 200 || len(f.told) != 2 || string(f.told[1].Picture) != "a JPEG" || f.told[1].Type != "person" || f.told[1].ID != "01JID" {
		t.Errorf("%d %s: %+v", w.Code, w.Body, f.told)
	}
	if w := ask(t, f, "POST", "/events", strings.Repeat("x", 5<<20), "Content-Type", "image/jpeg"); w.Code != 400 || !strings.Contains(w.Body.String(), "too large") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.broken = errors.New("the card is broken")
	if w := ask(t, f, "GET", "/clips/"+gone, ""); w.Code != 500 || !strings.Contains(w.Body.String(), "the card is broken") {
		t.Errorf("of a broken card: %d %s", w.Code, w.Body)
	}
}

// page decodes a page of clips.
func page(t *testing.T, w *httptest.ResponseRecorder) (p clipapi.Page) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return p
}

// Pages have each clip once, the newest first, within a time, and as they are.
func TestPages(t *testing.T) {
	f := newFake(120)
	var all []recorder.Clip
	q := clipapi.Query{From: start.Add(10 * time.Minute), To: start.Add(110 * time.Minute)}
	for n, more := 0, true; more; n++ {
		p := page(t, ask(t, f, "GET", "/clips?"+q.Values().Encode(), ""))
		if more = p.More; len(p.Clips) != min(50, 100-len(all)) || n > 1 {
			t.Fatalf("page %d has %d clips", n, len(p.Clips))
		}
		all = append(all, p.Clips...)
		q.Before = all[len(all)-1].ID
	}
	if len(all) != 100 {
		t.Fatalf("%d clips", len(all))
	}
	for i, c := range all {
		if want := f.clips[10+i]; fmt.Sprint(c) != fmt.Sprint(want) {
			t.Fatalf("clip %d is %+v, want %+v", i, c, want)
		}
	}
	for query, want := range map[string]string{
		"limit=0": "limit", "limit=501": "limit is 501", "limit=-1": "limit", "limit=x": "limit", "from=today": "from", "to=1": "to",
		"before=01JNONE": "begin anew", "state=kept": "there are from, to, before and limit",
	} {
		if w := ask(t, f, "GET", "/clips?"+query, ""); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	q = clipapi.Query{From: start, To: start.Add(time.Hour), Before: "01J", Limit: 7}
	if got := q.Values().Encode(); got != "before=01J&from=2026-11-30T04%3A00%3A00Z&limit=7&to=2026-11-30T05%3A00%3A00Z" {
		t.Error(got)
	}
}

// However much there is of each clip, a page is no longer than a command's reply may be,
// and leads on.
func TestPageBytes(t *testing.T) {
	f := newFake(4)
	for i := range f.clips {
		f.clips[i].Missing = make([]recorder.Missing, 4000)
		for j := range f.clips[i].Missing {
			f.clips[i].Missing[j].Reason = strings.Repeat("x", 50)
		}
	}
	f.clips[2].Missing = f.clips[2].Missing[:1]
	w := ask(t, f, "GET", "/clips", "")
	p := page(t, w)
	if len(p.Clips) != 1 || !p.More || w.Body.Len() > 1<<20 {
		t.Errorf("%d clips, more %v, %d bytes", len(p.Clips), p.More, w.Body.Len())
	}
	p = page(t, ask(t, f, "GET", "/clips?before="+string(f.clips[1].ID), ""))
	if len(p.Clips) != 2 || p.More {
		t.Errorf("then %d clips, more %v", len(p.Clips), p.More)
	}
}

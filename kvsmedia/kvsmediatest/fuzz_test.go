package kvsmediatest

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// duplex is a recorder that answers while the body comes.
type duplex struct{ *httptest.ResponseRecorder }

func (duplex) EnableFullDuplex() error          { return nil }
func (duplex) SetReadDeadline(time.Time) error  { return nil }
func (duplex) SetWriteDeadline(time.Time) error { return nil }

// FuzzMedia sends anything as media and then asks for everything that the archive
// makes of it.
func FuzzMedia(f *testing.F) {
	avc := &mkv.Track{Number: 1, Type: mkv.VideoTrack, CodecID: "V_MPEG4/ISO/AVC", PixelWidth: 16, PixelHeight: 16,
		CodecPrivate: []byte("\x01\x42\xc0\x1e\xff\xe1\x00\x0a\x67\x42\xc0\x1e\xd9\x00\xa0\x47\xfe\xc8\x01\x00\x04\x68\xce\x38\x80")}
	aac := &mkv.Track{Number: 2, Type: mkv.AudioTrack, CodecID: "A_AAC", SamplingFrequency: 8000, Channels: 1, CodecPrivate: []byte{0x15, 0x88}}
	for _, tracks := range []mkv.Tracks{{avc}, {avc, aac}} {
		b := mkv.AppendTracks(mkv.AppendInfo(mkv.AppendHeader(nil, 2), &mkv.Info{}), tracks)
		for at := uint64(1000); at < 4000; at += 1000 {
			b = append(mkv.AppendBlock(mkv.AppendCluster(b, at), 1, 0, true, 5), 0, 0, 0, 1, 0x65)
			b = append(mkv.AppendBlock(b, 2, 5, true, 1), 0)
			b = mkv.AppendTags(b, mkv.Tags{{Simple: []mkv.SimpleTag{{Name: "n", String: "v"}}}})
		}
		f.Add(b)
		f.Add(mkv.AppendTags(b, mkv.Tags{{Simple: []mkv.SimpleTag{{Name: "AWS_KINESISVIDEO_END_OF_FRAGMENT"}}}}))
	}
	f.Fuzz(func(t *testing.T, media []byte) {
		s, err := New(Config{Limits: Limits{Off: true}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.AddStream("door", StreamConfig{RetentionHours: 1}); err != nil {
			t.Fatal(err)
		}
		post := func(path, body string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), "POST", path, io.NopCloser(strings.NewReader(body)))
			r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			sign(t, r)
			s.ServeHTTP(duplex{w}, r)
			return w
		}
		w := post("/putMedia", string(media), "x-amzn-stream-name", "door", "x-amzn-fragment-timecode-type", "ABSOLUTE")
		if w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		stored := len(s.Fragments("door"))
		if n := bytes.Count(w.Body.Bytes(), []byte("PERSISTED")); n != stored {
			t.Errorf("%d fragments, %d are acknowledged as persisted", stored, n)
		}
		for _, fragment := range s.Fragments("door") {
			document, err := fragment.Document()
			if err != nil || int64(len(document)) != fragment.Size {
				t.Errorf("%d bytes of %d, %v", len(document), fragment.Size, err)
			}
		}
		const all = `"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1,"EndTimestamp":9e9}`
		post("/listFragments", `{"StreamName":"door","FragmentSelector":{`+all+`}}`)
		post("/getClip", `{"StreamName":"door","ClipFragmentSelector":{`+all+`}}`)
		for _, call := range []string{
			`/getHLSStreamingSessionURL {"StreamName":"door"}`,
			`/getHLSStreamingSessionURL {"StreamName":"door","ContainerFormat":"MPEG_TS"}`,
			`/getHLSStreamingSessionURL {"StreamName":"door","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + all + `}}`,
			`/getDASHStreamingSessionURL {"StreamName":"door"}`,
		} {
			path, body, _ := strings.Cut(call, " ")
			var session struct{ HLSStreamingSessionURL, DASHStreamingSessionURL string }
			if w := post(path, body); w.Code == http.StatusOK {
				if err := json.Unmarshal(w.Body.Bytes(), &session); err != nil {
					t.Fatal(err)
				}
				follow(t, s, session.HLSStreamingSessionURL+session.DASHStreamingSessionURL)
			}
		}
	})
}

// reference finds the relative URLs of a playlist or a manifest.
var reference = regexp.MustCompile(`\bget\w+\.\w+\?[^"\s<]+`)

// follow asks for an URL and for all that it leads to.
func follow(t *testing.T, s *Service, address string) {
	seen := map[string]bool{}
	for queue := []string{address}; len(queue) > 0; queue = queue[1:] {
		w := httptest.NewRecorder()
		s.ServeHTTP(duplex{w}, httptest.NewRequestWithContext(t.Context(), "GET", queue[0], nil))
		if kind := w.Header().Get("Content-Type"); !strings.Contains(kind, "mpegurl") && !strings.Contains(kind, "xml") {
			continue
		}
		base := address[:strings.LastIndex(address, "/")+1]
		for _, ref := range reference.FindAllString(w.Body.String(), -1) {
			if next := base + html.UnescapeString(ref); !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

func sign(t *testing.T, r *http.Request) {
	creds, err := awsapitest.StaticAWS("us-west-2", "", nil).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, unsignedPayload, "kinesisvideo", "us-west-2", time.Now()); err != nil {
		t.Fatal(err)
	}
}

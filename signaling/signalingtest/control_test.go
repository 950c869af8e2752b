package signalingtest_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

const stream = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1700000000000"

func TestChannelLife(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	c := newClient(t, srv)
	before := time.Now()

	arn, _ := c.ok("/createSignalingChannel", `{"ChannelName":"door","ChannelType":"SINGLE_MASTER",
		"SingleMasterConfiguration":{"MessageTtlSeconds":30},"Tags":[{"Key":"room","Value":"hall"}]}`)["ChannelARN"].(string)
	if !regexp.MustCompile(`^arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/\d{13}$`).MatchString(arn) {
		t.Fatalf("ARN %q", arn)
	}
	info := c.ok("/describeSignalingChannel", `{"ChannelName":"door"}`)["ChannelInfo"].(map[string]any)
	created, version := info["CreationTime"].(float64), info["Version"].(string)
	if math.Abs(created-float64(before.UnixMilli())/1000) > 5 {
		t.Errorf("CreationTime %v", created)
	}
	for k, v := range map[string]any{"ChannelName": "door", "ChannelARN": arn, "ChannelType": "SINGLE_MASTER", "ChannelStatus": "ACTIVE"} {
		if info[k] != v {
			t.Errorf("%s = %v, want %v", k, info[k], v)
		}
	}
	if ttl := info["SingleMasterConfiguration"].(map[string]any)["MessageTtlSeconds"]; ttl != 30.0 {
		t.Errorf("TTL %v", ttl)
	}

	endpoint := func(protocols, role string) string {
		return fmt.Sprintf(`{"ChannelARN":%q,"SingleMasterChannelEndpointConfiguration":{"Protocols":[%s],"Role":%q}}`, arn, protocols, role)
	}
	list := c.ok("/getSignalingChannelEndpoint", endpoint(`"WSS","HTTPS"`, "MASTER"))["ResourceEndpointList"].([]any)
	if fmt.Sprint(list) != fmt.Sprintf("[map[Protocol:WSS ResourceEndpoint:wss%s] map[Protocol:HTTPS ResourceEndpoint:%s]]", srv.URL[5:], srv.URL) {
		t.Errorf("endpoints %v", list)
	}
	c.refused("/getSignalingChannelEndpoint", endpoint(`"WEBRTC"`, "MASTER"), 400, "InvalidArgumentException")
	c.refused("/getSignalingChannelEndpoint", endpoint(`"SMTP"`, "MASTER"), 400, "InvalidArgumentException")
	c.refused("/getSignalingChannelEndpoint", endpoint(`"WSS"`, "master"), 400, "InvalidArgumentException")

	c.refused("/updateSignalingChannel", fmt.Sprintf(`{"ChannelARN":%q,"CurrentVersion":"old","SingleMasterConfiguration":{"MessageTtlSeconds":10}}`, arn),
		400, "VersionMismatchException")
	if r := c.post("/updateSignalingChannel", fmt.Sprintf(`{"ChannelARN":%q,"CurrentVersion":%q,"SingleMasterConfiguration":{"MessageTtlSeconds":10}}`, arn, version)); r.status != 200 || r.raw != "" {
		t.Errorf("update: %d %q", r.status, r.raw)
	}
	info = c.ok("/describeSignalingChannel", fmt.Sprintf(`{"ChannelARN":%q}`, arn))["ChannelInfo"].(map[string]any)
	if ttl := info["SingleMasterConfiguration"].(map[string]any)["MessageTtlSeconds"]; ttl != 10.0 || info["Version"] == version {
		t.Errorf("after the update: %v", info)
	}

	c.ok("/TagResource", fmt.Sprintf(`{"ResourceARN":%q,"Tags":[{"Key":"floor","Value":"1"}]}`, arn))
	c.ok("/UntagResource", fmt.Sprintf(`{"ResourceARN":%q,"TagKeyList":["room"]}`, arn))
	if tags := c.ok("/ListTagsForResource", fmt.Sprintf(`{"ResourceARN":%q}`, arn))["Tags"]; fmt.Sprint(tags) != "map[floor:1]" {
		t.Errorf("tags %v", tags)
	}

	storage := c.ok("/describeMediaStorageConfiguration", `{"ChannelName":"door"}`)["MediaStorageConfiguration"]
	if fmt.Sprint(storage) != "map[Status:DISABLED StreamARN:<nil>]" {
		t.Errorf("storage %v", storage)
	}
	set := fmt.Sprintf(`{"ChannelARN":%q,"MediaStorageConfiguration":{"Status":"ENABLED","StreamARN":%q}}`, arn, stream)
	if r := c.post("/updateMediaStorageConfiguration", set); r.raw != "{}" {
		t.Errorf("update storage: %d %s", r.status, r.raw)
	}
	c.ok("/getSignalingChannelEndpoint", endpoint(`"WSS","HTTPS","WEBRTC"`, "VIEWER"))
	other := added(t)(srv.AddChannel("other"))
	c.refused("/updateMediaStorageConfiguration", strings.Replace(set, arn, other, 1), 400, "ResourceInUseException")

	c.refused("/createSignalingChannel", `{"ChannelName":"door"}`, 400, "ResourceInUseException")
	page := c.ok("/listSignalingChannels", `{"MaxResults":1}`)
	if got := page["ChannelInfoList"].([]any)[0].(map[string]any)["ChannelName"]; got != "door" || page["NextToken"] == nil {
		t.Errorf("first page %v", page)
	}
	page = c.ok("/listSignalingChannels", fmt.Sprintf(`{"MaxResults":1,"NextToken":%q}`, page["NextToken"]))
	if got := page["ChannelInfoList"].([]any)[0].(map[string]any)["ChannelName"]; got != "other" || page["NextToken"] != nil {
		t.Errorf("second page %v", page)
	}
	page = c.ok("/listSignalingChannels", `{"ChannelNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"oth"}}`)
	if len(page["ChannelInfoList"].([]any)) != 1 {
		t.Errorf("by prefix %v", page)
	}
	c.ok("/deleteSignalingChannel", fmt.Sprintf(`{"ChannelARN":%q}`, arn))
	c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 404, "ResourceNotFoundException")
}

func TestBadArguments(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	c := newClient(t, srv)
	arn := added(t)(srv.AddChannel("door"))
	many := strings.Repeat(`{"Key":"k%","Value":"v"},`, 51)
	for i := range 51 {
		many = strings.Replace(many, "%", fmt.Sprint(i), 1)
	}
	for _, x := range []struct{ path, body, name string }{
		{"/createSignalingChannel", `{"channelName":"wrong case"}`, "InvalidArgumentException"},
		{"/createSignalingChannel", `{"ChannelName":"a b"}`, "InvalidArgumentException"},
		{"/createSignalingChannel", `{"ChannelName":"` + strings.Repeat("a", 257) + `"}`, "InvalidArgumentException"},
		{"/createSignalingChannel", `{"ChannelName":"x","SingleMasterConfiguration":{"MessageTtlSeconds":4}}`, "InvalidArgumentException"},
		{"/createSignalingChannel", `{"ChannelName":"x","ChannelType":"FULL_MESH"}`, "InvalidArgumentException"},
		{"/createSignalingChannel", `{"ChannelName":"x","Tags":{"a":"b"}}`, "SerializationException"},
		{"/createSignalingChannel", `{"ChannelName":"x","Tags":[` + strings.TrimSuffix(many, ",") + `]}`, "TagsPerResourceExceededLimitException"},
		{"/createSignalingChannel", `{`, "SerializationException"},
		{"/describeSignalingChannel", `{}`, "InvalidArgumentException"},
		{"/describeSignalingChannel", `{"ChannelARN":"arn:aws:kinesisvideo:eu-west-1:123456789012:channel/door/1"}`, "InvalidArgumentException"},
		{"/updateSignalingChannel", `{"ChannelARN":"` + arn + `"}`, "InvalidArgumentException"},
		{"/listSignalingChannels", `{"MaxResults":0}`, "InvalidArgumentException"},
		{"/listSignalingChannels", `{"ChannelNameCondition":{"ComparisonOperator":"ENDS_WITH","ComparisonValue":"x"}}`, "InvalidArgumentException"},
		{"/updateMediaStorageConfiguration", `{"ChannelARN":"` + arn + `","MediaStorageConfiguration":{"Status":"ENABLED"}}`, "InvalidArgumentException"},
		{"/v1/get-ice-server-config", `{"ChannelARN":"` + arn + `","Service":"STUN"}`, "InvalidArgumentException"},
		{"/joinStorageSession", `{"channelArn":"` + arn + `"}`, "InvalidArgumentException"},
		{"/joinStorageSession", `{"ChannelARN":"` + arn + `"}`, "InvalidArgumentException"},
		{"/joinStorageSessionAsViewer", `{"channelArn":"` + arn + `","clientId":"AWS_x"}`, "InvalidArgumentException"},
	} {
		c.refused(x.path, x.body, 400, x.name)
	}
	c.refused("/describeSignalingChannel", `{"ChannelARN":"`+arn[:len(arn)-1]+`"}`, 404, "ResourceNotFoundException")
	c.refused("/describeStream", `{}`, 404, "UnknownOperationException")
	if r := c.post("/joinStorageSession", `{}`); r.body["message"] == nil {
		t.Errorf("the storage API writes message in lower case, got %s", r.raw)
	}
	if r := c.post("/describeSignalingChannel", `{}`); r.body["Message"] == nil {
		t.Errorf("the control plane writes Message, got %s", r.raw)
	}
}

func TestAuthorize(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{Authorize: func(a signalingtest.Access) error {
		if a.Principal != "test" || a.Channel != "mine" {
			return fmt.Errorf("not yours")
		}
		return nil
	}})
	defer srv.Close()
	c := newClient(t, srv)
	mine, other := added(t)(srv.AddChannel("mine")), added(t)(srv.AddChannel("other"))
	if err := srv.SetStorage("other", stream); err != nil {
		t.Fatal(err)
	}
	c.ok("/describeSignalingChannel", `{"ChannelName":"mine"}`)
	c.ok("/v1/get-ice-server-config", `{"ChannelARN":"`+mine+`"}`)
	c.refused("/describeSignalingChannel", `{"ChannelName":"other"}`, 401, "AccessDeniedException")
	c.refused("/describeSignalingChannel", `{"ChannelName":"absent"}`, 401, "AccessDeniedException")
	c.refused("/listSignalingChannels", `{}`, 401, "AccessDeniedException")
	c.refused("/v1/get-ice-server-config", `{"ChannelARN":"`+other+`"}`, 401, "NotAuthorizedException")
	c.refused("/joinStorageSession", `{"channelArn":"`+other+`"}`, 403, "AccessDeniedException")
	c.dialRefused(other, "", 403, "AccessDeniedException")
	c.dialRefused(other, "viewer", 403, "AccessDeniedException")
	c.dial(mine, "")
}

func TestCredentials(t *testing.T) {
	expires := time.Now().Add(time.Hour)
	srv := signalingtest.NewServer(signalingtest.Config{Credentials: func(id string) (signalingtest.Identity, bool) {
		return signalingtest.Identity{SecretAccessKey: "secret", SessionToken: "to/k+en==", Principal: "door", Expires: expires}, id == "ASIAX"
	}})
	defer srv.Close()
	arn := added(t)(srv.AddChannel("door"))
	c := newClient(t, srv)
	c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 403, "UnrecognizedClientException")
	c.dialRefused(arn, "", 403, "UnrecognizedClientException")
	c.creds.AccessKeyID, c.creds.SecretAccessKey = "ASIAX", "secret"
	c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 403, "UnrecognizedClientException")
	c.creds.SessionToken = "to/k+en=="
	c.ok("/describeSignalingChannel", `{"ChannelName":"door"}`)
	c.dial(arn, "")
	c.creds.SecretAccessKey = "wrong"
	c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 403, "InvalidSignatureException")
	c.dialRefused(arn, "", 403, "InvalidSignatureException")
	c.creds.SecretAccessKey = "secret"
	srv.Skew(2 * time.Hour)
	c.refused("/describeSignalingChannel", `{"ChannelName":"door"}`, 403, "ExpiredTokenException")
	c.dialRefused(arn, "", 403, "ExpiredTokenException")
	srv.Skew(-2 * time.Hour)
	r := c.post("/describeSignalingChannel", `{"ChannelName":"door"}`)
	if date, err := http.ParseTime(r.header.Get("Date")); err != nil || time.Since(date) < 119*time.Minute ||
		!strings.Contains(r.raw, "Signature not yet current") {
		t.Errorf("skewed: %v %s", r.header, r.raw)
	}
}

// The vectors reproduce the AWS JavaScript SDK's signature; their channel does
// not exist here, so that a right signature is answered by 404.
func TestSignatureVectors(t *testing.T) {
	const arn = "arn%3Aaws%3Akinesisvideo%3Aus-west-2%3A123456789012%3Achannel%2Fdemo%2F1700000000000"
	const rest = "X-Amz-Credential=AKIDEXAMPLE%2F20240102%2Fus-west-2%2Fkinesisvideo%2Faws4_request" +
		"&X-Amz-Date=20240102T030405Z&X-Amz-Expires=299"
	for _, x := range []struct{ query, token, signature string }{
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-ChannelARN=" + arn + "&" + rest, "",
			"2ecd12bb94721ceba6d03e6266d73fa5d19d0ba1dbbeac67296ae35d973aad7f"},
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-ChannelARN=" + arn + "&X-Amz-ClientId=viewer-1&" + rest +
			"&X-Amz-Security-Token=tok%2Fen%2BA%3D%3D", "tok/en+A==",
			"c5ccc5fb7f4c41b63ed7242fd63dc8fc7e236f0a4c88ba4732149604fe1e1f84"},
	} {
		s, err := signalingtest.New(signalingtest.Config{Credentials: func(string) (signalingtest.Identity, bool) {
			return signalingtest.Identity{SecretAccessKey: "secret/KEY+1", SessionToken: x.token}, true
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.Skew(time.Until(time.Date(2024, 1, 2, 3, 5, 0, 0, time.UTC)))
		for query, want := range map[string]int{x.query: 404, strings.Replace(x.query, "demo", "dem0", 1): 403} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "https://127.0.0.1:8443/?"+query+"&X-Amz-SignedHeaders=host&X-Amz-Signature="+x.signature, nil)
			r.Header.Set("Upgrade", "websocket")
			s.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("got %d %v %s, want %d", w.Code, w.Header(), w.Body, want)
			}
		}
		s.Close()
	}
}

// Pages call the control plane with the AWS SDK for JavaScript.
func TestBrowserPreflight(t *testing.T) {
	s, err := signalingtest.New(signalingtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("OPTIONS", "https://127.0.0.1/describeSignalingChannel", nil)
	r.Header.Set("Origin", "https://app.test")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-amz-date")
	s.ServeHTTP(w, r)
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" || s.Calls("DescribeSignalingChannel") != 0 {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

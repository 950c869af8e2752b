package kvsmediatest_test

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestStreamLife(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		arn, _ := c.ok("/createStream", `{"StreamName":"garage","DataRetentionInHours":2,"MediaType":"video/h264","Tags":{"room":"garage"}}`)["StreamARN"].(string)
		if !regexp.MustCompile(`^arn:aws:kinesisvideo:us-west-2:123456789012:stream/garage/\d+$`).MatchString(arn) {
			t.Fatal(arn)
		}
		describe := func() map[string]any {
			return c.ok("/describeStream", fmt.Sprintf(`{"StreamARN":%q}`, arn))["StreamInfo"].(map[string]any)
		}
		info := describe()
		for k, v := range map[string]any{"StreamName": "garage", "Status": "ACTIVE", "DataRetentionInHours": 2.0, "MediaType": "video/h264", "CreationTime": float64(time.Now().Unix())} {
			if info[k] != v {
				t.Errorf("%s is %v, want %v", k, info[k], v)
			}
		}
		change := func(operation string, hours int, version any) string {
			return fmt.Sprintf(`{"StreamName":"garage","Operation":%q,"DataRetentionChangeInHours":%d,"CurrentVersion":%q}`, operation, hours, version)
		}
		c.refused("/updateDataRetention", change("INCREASE_DATA_RETENTION", 1, "old"), 400, "VersionMismatchException")
		c.refused("/updateDataRetention", change("DECREASE_DATA_RETENTION", 3, info["Version"]), 400, "InvalidArgumentException")
		c.ok("/updateDataRetention", change("DECREASE_DATA_RETENTION", 2, info["Version"]))
		if after := describe(); after["DataRetentionInHours"] != 0.0 || after["Version"] == info["Version"] {
			t.Error(after)
		}
		c.ok("/updateStream", fmt.Sprintf(`{"StreamName":"garage","MediaType":"video/h265","CurrentVersion":%q}`, describe()["Version"]))
		c.ok("/tagStream", `{"StreamName":"garage","Tags":{"floor":"0"}}`)
		c.ok("/untagStream", `{"StreamName":"garage","TagKeyList":["room"]}`)
		if tags := c.ok("/listTagsForStream", `{"StreamName":"garage"}`)["Tags"]; fmt.Sprint(tags) != "map[floor:0]" {
			t.Error(tags)
		}
		if url := c.ok("/getDataEndpoint", `{"StreamName":"garage","APIName":"PUT_MEDIA"}`)["DataEndpoint"]; url != "https://kinesisvideo.test" {
			t.Error(url)
		}
		c.refused("/getDataEndpoint", `{"StreamName":"garage","APIName":"PutMedia"}`, 400, "InvalidArgumentException")
		c.refused("/createStream", `{"StreamName":"garage"}`, 400, "ResourceInUseException")
		c.refused("/createStream", `{"StreamName":"a b"}`, 400, "InvalidArgumentException")
		c.refused("/createStream", `{"StreamName":"x","DataRetentionInHours":-1}`, 400, "InvalidArgumentException")
		page := c.ok("/listStreams", `{"MaxResults":1}`)
		token, _ := page["NextToken"].(string)
		if !slices.Equal(names(page), []string{"door"}) || !regexp.MustCompile(`^[a-zA-Z0-9+/=]+$`).MatchString(token) {
			t.Error(page)
		}
		if page = c.ok("/listStreams", fmt.Sprintf(`{"NextToken":%q}`, token)); !slices.Equal(names(page), []string{"garage"}) || page["NextToken"] != nil {
			t.Error(page)
		}
		c.refused("/listStreams", `{"NextToken":"-"}`, 400, "InvalidArgumentException")
		for _, bad := range []string{`"MediaType":"video"`, `"DeviceName":"a b"`, `"Tags":{"a%":""}`, `"StreamStorageConfiguration":{"DefaultStorageTier":"COLD"}`} {
			c.refused("/createStream", `{"StreamName":"x",`+bad+`}`, 400, "InvalidArgumentException")
		}
		if page = c.ok("/listStreams", `{"StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"gar"}}`); len(page["StreamInfoList"].([]any)) != 1 {
			t.Error(page)
		}
		c.ok("/deleteStream", fmt.Sprintf(`{"StreamARN":%q}`, arn))
		c.refused("/describeStream", `{"StreamName":"garage"}`, 404, "ResourceNotFoundException")
	})
}

// names returns the names of the streams on a page of ListStreams.
func names(page map[string]any) (list []string) {
	for _, st := range page["StreamInfoList"].([]any) {
		list = append(list, st.(map[string]any)["StreamName"].(string))
	}
	return list
}

// Names that could lead out of the directory do not.
func TestNamesAsDirectories(t *testing.T) {
	dir := t.TempDir()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir + "/streams", Limits: kvsmediatest.Limits{Off: true}})
	defer srv.Close()
	c := newClient(t, srv)
	for _, name := range []string{".", "..", "a.stream"} {
		arn := c.ok("/createStream", fmt.Sprintf(`{"StreamName":%q}`, name))["StreamARN"]
		c.ok("/deleteStream", fmt.Sprintf(`{"StreamARN":%q}`, arn))
	}
	long := []string{strings.Repeat("x", 200), strings.Repeat("x", 255), strings.Repeat("x", 256)}
	for _, name := range long {
		c.ok("/createStream", fmt.Sprintf(`{"StreamName":%q}`, name))
	}
	srv.Close()
	again := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir + "/streams"})
	defer again.Close()
	c = newClient(t, again)
	for _, name := range long {
		c.ok("/describeStream", fmt.Sprintf(`{"StreamName":%q}`, name))
	}
}

func TestRatesAndAccess(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Authorize: func(a kvsmediatest.Access) error {
		if a.Stream == "secret" {
			return fmt.Errorf("no")
		}
		return nil
	}}, func(c *client) {
		c.addStream("secret", 1)
		c.refused("/describeStream", `{"StreamName":"secret"}`, 401, "NotAuthorizedException")
		c.refused("/describeImageGenerationConfiguration", `{"StreamName":"secret"}`, 401, "AccessDeniedException")
		for range 5 {
			c.ok("/describeStream", `{"StreamName":"door"}`)
		}
		c.refused("/describeStream", `{"StreamName":"door"}`, 400, "ClientLimitExceededException")
		if n := c.srv.Calls("DescribeStream"); n != 7 {
			t.Errorf("%d calls", n)
		}
		for range 50 {
			c.ok("/listStreams", `{}`)
		}
		c.refused("/listStreams", `{}`, 400, "ClientLimitExceededException")
		for range 5 {
			c.ok("/describeStreamStorageConfiguration", `{"StreamName":"door"}`)
		}
		c.refused("/describeStreamStorageConfiguration", `{"StreamName":"door"}`, 400, "ClientLimitExceededException")
	})
}

func TestUnknownOperation(t *testing.T) {
	s, err := kvsmediatest.New(kvsmediatest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range []struct{ method, path string }{{"POST", "/nothing"}, {"GET", "/describeStream"}, {"GET", "/putMedia"}} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader("{}")))
		if w.Code != 404 || w.Header().Get("x-amzn-ErrorType") != "UnknownOperationException" {
			t.Errorf("%s %s: %d %v", r.method, r.path, w.Code, w.Header())
		}
	}
}

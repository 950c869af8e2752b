package kvsmediatest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// info returns what DescribeStream says of "garage".
func (c *client) info() map[string]any {
	c.t.Helper()
	return c.ok("/describeStream", `{"StreamName":"garage"}`)["StreamInfo"].(map[string]any)
}

func (c *client) is(status string) {
	c.t.Helper()
	if got := c.info()["Status"]; got != status {
		c.t.Fatalf("the stream is %s, want %s", got, status)
	}
}

// Streams are CREATING, UPDATING and DELETING for a while. Nothing else can be
// changed meanwhile; media goes on while a stream is UPDATING.
func TestStreamStates(t *testing.T) {
	const notice = `"NotificationConfiguration":{"Status":"ENABLED","DestinationConfig":{"Uri":"arn:aws:sns:us-west-2:123456789012:door"}}`
	inBubble(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{Create: 10 * time.Second, Update: 20 * time.Second, Delete: 30 * time.Second}}, func(c *client) {
		arn := c.ok("/createStream", `{"StreamName":"garage","DataRetentionInHours":2}`)["StreamARN"]
		change := func() string {
			return fmt.Sprintf(`{"StreamName":"garage","Operation":"INCREASE_DATA_RETENTION","DataRetentionChangeInHours":1,"CurrentVersion":%q}`, c.info()["Version"])
		}
		remove := fmt.Sprintf(`{"StreamARN":%q}`, arn)
		refused := func() {
			t.Helper()
			c.refused("/updateDataRetention", change(), 400, "ResourceInUseException")
			c.refused("/updateNotificationConfiguration", `{"StreamName":"garage",`+notice+`}`, 400, "ResourceInUseException")
			c.refused("/deleteStream", remove, 400, "ResourceInUseException")
		}
		c.is("CREATING")
		refused()
		c.refused("/getDataEndpoint", `{"StreamName":"garage","APIName":"PUT_MEDIA"}`, 404, "ResourceNotFoundException")
		time.Sleep(10 * time.Second)
		c.is("ACTIVE")
		c.ok("/updateDataRetention", change())
		c.is("UPDATING")
		refused()
		c.ok("/getDataEndpoint", `{"StreamName":"garage","APIName":"PUT_MEDIA"}`)
		p := c.put("x-amzn-stream-name", "garage")
		p.write(header(video(1)), cluster(1000, 0), endOfFragment)
		p.expect("BUFFERING @1000", "RECEIVED @1000", "PERSISTED @1000")
		p.end()
		if got := p.rest(); got != "EOF" {
			t.Error(got)
		}
		time.Sleep(20 * time.Second)
		c.is("ACTIVE")

		c.ok("/deleteStream", remove)
		c.is("DELETING")
		c.refused("/deleteStream", remove, 404, "ResourceNotFoundException")
		c.refused("/updateDataRetention", change(), 404, "ResourceNotFoundException")
		c.refused("/createStream", `{"StreamName":"garage"}`, 400, "ResourceInUseException")
		if page := c.ok("/listStreams", `{}`); !slices.Equal(names(page), []string{"door", "garage"}) {
			t.Error(page)
		}
		time.Sleep(30 * time.Second)
		c.refused("/describeStream", `{"StreamName":"garage"}`, 404, "ResourceNotFoundException")
		c.ok("/createStream", `{"StreamName":"garage"}`)
	})
}

// tier returns the storage tier of "garage".
func (c *client) tier() any {
	c.t.Helper()
	out := c.ok("/describeStreamStorageConfiguration", `{"StreamName":"garage"}`)
	if out["StreamName"] != "garage" || out["StreamARN"] != c.info()["StreamARN"] {
		c.t.Error(out)
	}
	return out["StreamStorageConfiguration"].(map[string]any)["DefaultStorageTier"]
}

func tiered(version any, tier string) string {
	return fmt.Sprintf(`{"StreamName":"garage","CurrentVersion":%q,"StreamStorageConfiguration":{"DefaultStorageTier":%q}}`, version, tier)
}

// A change of the storage tier takes a while, and is asked for with a version.
func TestStorageTier(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{Update: time.Minute}}, func(c *client) {
		c.addStream("garage", 1)
		before := c.info()["Version"]
		if tier := c.tier(); tier != "HOT" {
			t.Error(tier)
		}
		c.refused("/updateStreamStorageConfiguration", tiered("other", "WARM"), 400, "VersionMismatchException")
		c.refused("/updateStreamStorageConfiguration", tiered("", "WARM"), 400, "InvalidArgumentException")
		c.refused("/updateStreamStorageConfiguration", tiered(before, "COLD"), 400, "InvalidArgumentException")
		c.refused("/updateStreamStorageConfiguration", fmt.Sprintf(`{"StreamName":"garage","CurrentVersion":%q}`, before), 400, "InvalidArgumentException")
		c.ok("/updateStreamStorageConfiguration", tiered(before, "WARM"))
		c.is("UPDATING")
		if tier := c.tier(); tier != "HOT" {
			t.Errorf("%s while it is UPDATING", tier)
		}
		time.Sleep(time.Minute)
		if tier := c.tier(); tier != "WARM" || c.info()["Version"] == before {
			t.Errorf("%s of version %v after %v", tier, c.info()["Version"], before)
		}
		c.ok("/updateStreamStorageConfiguration", tiered(c.info()["Version"], "HOT"))
		if tier := c.tier(); tier != "WARM" {
			t.Errorf("%s while it is UPDATING again", tier)
		}
		time.Sleep(time.Minute)
		if tier := c.tier(); tier != "HOT" {
			t.Error(tier)
		}
	})
}

func TestStorageTierVariants(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Variants: kvsmediatest.Variants{WarmNeedsMonth: true, WarmStays: true}}, func(c *client) {
		const create = `{"StreamName":"garage","DataRetentionInHours":%d,"StreamStorageConfiguration":{"DefaultStorageTier":"WARM"}}`
		c.refused("/createStream", fmt.Sprintf(create, 719), 400, "InvalidArgumentException")
		c.ok("/createStream", fmt.Sprintf(create, 720))
		if tier := c.tier(); tier != "WARM" {
			t.Error(tier)
		}
		version := c.info()["Version"]
		c.refused("/updateDataRetention", fmt.Sprintf(`{"StreamName":"garage","Operation":"DECREASE_DATA_RETENTION","DataRetentionChangeInHours":1,"CurrentVersion":%q}`, version), 400, "InvalidArgumentException")
		c.refused("/updateStreamStorageConfiguration", tiered(version, "HOT"), 400, "InvalidArgumentException")
		if info := c.info(); info["Version"] != version || info["DataRetentionInHours"] != 720.0 {
			t.Errorf("a refused change changed the stream: %v", info)
		}
		c.ok("/updateStreamStorageConfiguration", tiered(version, "WARM"))
	})
}

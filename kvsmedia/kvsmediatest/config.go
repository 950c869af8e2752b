package kvsmediatest

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Config says what the stand-in service is like. Every zero field has the
// default that it documents; the zero Config behaves as the documented service
// does. It is copied by the functions that take it.
type Config struct {
	Region  string // required of signatures and put into ARNs; "us-west-2"
	Account string // put into ARNs; "123456789012"

	// Dir keeps streams and fragments, and the authority of [NewServer], over a
	// restart. It is created if need be. Empty keeps everything in memory.
	Dir string

	// DataEndpoint is the URL that GetDataEndpoint returns. Empty leads to the
	// host that the call was made to.
	DataEndpoint string

	// Credentials finds the identity of an access key. Nil knows one static
	// key, which [Server.AWS] uses. It must be safe for concurrent use.
	Credentials func(accessKeyID string) (Identity, bool)

	// Authorize returns an error for what a principal may not do. Nil allows
	// everything. It must be safe for concurrent use.
	Authorize func(Access) error

	// PutImage takes the images of tagged fragments, as S3 would; [Folder] makes
	// one. They are made of the source's snapshots ([Service.AddSnapshot]), or by ffmpeg,
	// which must be installed then. Nil puts them into the directory images of Dir, if
	// there is one. It must be safe for concurrent use.
	PutImage func(Image) error

	// Notify takes the notifications of tagged fragments, as SNS would. Nil drops
	// them. It must be safe for concurrent use.
	Notify func(Notification) error

	Limits   Limits
	Timing   Timing
	Variants Variants

	// Addr is the TCP address at which [NewServer] listens. Empty means a free port of
	// 127.0.0.1.
	Addr string

	// Logger is told of every call and acknowledgement at level Debug, and of what
	// hangs in Close at level Warn; nil discards.
	Logger *slog.Logger
}

// StreamConfig describes a stream to add.
type StreamConfig struct {
	// RetentionHours is how long fragments are kept; zero keeps them in the host
	// buffer alone.
	RetentionHours int

	MediaType string // such as "video/h264,audio/aac"; optional
	KMSKey    string // "arn:aws:kms:…:alias/aws/kinesisvideo"
}

// Identity is what the service knows about an access key.
type Identity struct {
	SecretAccessKey string
	SessionToken    string    // empty for long-term keys
	Principal       string    // who it is: handed to Config.Authorize
	Expires         time.Time // the zero Time means never
}

// Access is what a principal asks to do.
type Access struct {
	Principal string
	Action    string // API name, such as "PutMedia"
	Stream    string // name; empty if the call names none
	StreamARN string // empty if the call gives only the name
}

// Limits are the service's quotas. For each number zero means the quota of AWS
// and a negative number no limit.
type Limits struct {
	// Off lifts every limit of this struct.
	Off bool

	// Rates replaces the calls per second of an API, by its name.
	Rates map[string]Rate

	Streams           int // of the account; 10000
	Uploads           int // PutMedia connections of a stream at once; 1
	Readers           int // GetMedia connections of a stream at once; 3
	Sessions          int // of HLS and DASH of a stream at once; 10. A further one ends the oldest
	UploadBytes       int // a second and PutMedia connection; 12.5e6. More is read no faster
	FragmentRate      int // fragments a second and stream; 5. More are taken no faster
	FragmentBytes     int // 50e6
	FragmentTags      int // 10
	Tracks            int // 3
	MinFragmentMillis int // from a fragment to the next one; 1000
	MaxFragmentMillis int // from a fragment's timecode to its last frame; 20000
	HostBufferBytes   int // kept of a stream without retention; 200e6
}

// Rate is a number of calls per second: of the whole account and of one stream.
type Rate struct{ Account, Stream int }

// defaultRates are the quotas of the developer guide ("Amazon Kinesis Video
// Streams quotas").
var defaultRates = map[string]Rate{
	"CreateStream":                         {50, 0},
	"DescribeStream":                       {300, 5},
	"UpdateStream":                         {50, 5},
	"DeleteStream":                         {50, 5},
	"ListStreams":                          {50, 0},
	"GetDataEndpoint":                      {300, 5},
	"UpdateDataRetention":                  {50, 5},
	"TagStream":                            {50, 5},
	"UntagStream":                          {50, 5},
	"ListTagsForStream":                    {50, 5},
	"DescribeImageGenerationConfiguration": {50, 5},
	"UpdateImageGenerationConfiguration":   {50, 5},
	"DescribeNotificationConfiguration":    {50, 5},
	"UpdateNotificationConfiguration":      {50, 5},
	"DescribeStreamStorageConfiguration":   {50, 5},
	"UpdateStreamStorageConfiguration":     {50, 5},
	"PutMedia":                             {0, 5},
	"GetMedia":                             {0, 5},
	"ListFragments":                        {0, 5},
	"GetMediaForFragmentList":              {0, 5},
	"GetClip":                              {0, 5},
	"GetImages":                            {0, 5},
	"GetHLSStreamingSessionURL":            {0, 25},
	"GetDASHStreamingSessionURL":           {0, 25},
	"GetHLSMasterPlaylist":                 {0, 5},
	"GetHLSMediaPlaylist":                  {0, 5},
	"GetDASHManifest":                      {0, 5},
	"GetMP4InitFragment":                   {0, 5},
	"GetMP4MediaFragment":                  {0, 20},
	"GetTSFragment":                        {0, 20},
}

func (c *Config) setDefaults() {
	c.Region = cmp.Or(c.Region, awsapitest.Region)
	c.Account = cmp.Or(c.Account, awsapitest.Account)
	if c.Credentials == nil {
		c.Credentials = func(key string) (Identity, bool) {
			id, ok := awsapitest.StaticKey(key)
			return Identity(id), ok
		}
	}
	c.Limits.apply()
	c.Timing.setDefaults()
	c.Variants.setDefaults()
}

// limit returns the limit to apply, 0 for none.
func (l *Limits) limit(value, standard int) int { return awsapitest.Quota(l.Off, value, standard) }

// rate returns the calls per second to allow of an API, 0 for any number.
func (l *Limits) rate(api string) (account, stream int) {
	standard, own := defaultRates[api], l.Rates[api]
	return l.limit(own.Account, standard.Account), l.limit(own.Stream, standard.Stream)
}

// apply replaces each limit by the one to apply, 0 for none.
func (l *Limits) apply() {
	for _, v := range []struct {
		value    *int
		standard int
	}{
		{&l.Streams, 10_000}, {&l.Uploads, 1}, {&l.Readers, 3}, {&l.Sessions, 10}, {&l.UploadBytes, 12_500_000}, {&l.FragmentRate, 5},
		{&l.FragmentBytes, 50_000_000}, {&l.FragmentTags, 10}, {&l.Tracks, 3},
		{&l.MinFragmentMillis, 1000}, {&l.MaxFragmentMillis, 20_000}, {&l.HostBufferBytes, 200_000_000},
	} {
		*v.value = l.limit(*v.value, v.standard)
	}
}

// Timing are the service's times. Zero means the documented default.
type Timing struct {
	Create     time.Duration // for which a new stream is CREATING; none
	Update     time.Duration // for which a stream is UPDATING after a change of its description, retention or tier; none
	Delete     time.Duration // for which a deleted stream is DELETING; none
	Configure  time.Duration // until image generation and notifications act as configured; 1 min
	Session    time.Duration // longest life of a PutMedia connection; 45 min
	IdleAck    time.Duration // without data until an IDLE acknowledgement; 10 s
	Idle       time.Duration // without data until a PutMedia connection is closed; 30 s
	Persist    time.Duration // from RECEIVED to PERSISTED; none
	List       time.Duration // from PERSISTED until ListFragments knows it; none, in AWS about 1 s
	HostBuffer time.Duration // for which media of a stream without retention can be read; 5 min
	GetMedia   time.Duration // without new fragments until GetMedia ends; 3 s
	Live       time.Duration // age of the newest fragment at which a stream is no longer live; 30 s
	Apart      time.Duration // that ingestion pauses longer than media do, for players to take it for another run; 1 min, in AWS unknown
}

func (t *Timing) setDefaults() {
	t.Configure = cmp.Or(t.Configure, time.Minute)
	t.Session = cmp.Or(t.Session, 45*time.Minute)
	t.IdleAck = cmp.Or(t.IdleAck, 10*time.Second)
	t.Idle = cmp.Or(t.Idle, 30*time.Second)
	t.HostBuffer = cmp.Or(t.HostBuffer, 5*time.Minute)
	t.GetMedia = cmp.Or(t.GetMedia, 3*time.Second)
	t.Live = cmp.Or(t.Live, 30*time.Second)
	t.Apart = cmp.Or(t.Apart, time.Minute)
}

// Variants choose between behaviours where AWS documents none, or where
// documentation and captures disagree. The zero value is the likelier choice in
// each case.
type Variants struct {
	// WrapAcks puts each acknowledgement into an object "Acknowledgement", as the
	// documentation shows it, instead of sending it bare, as captures do.
	WrapAcks bool

	// SplitAcks sends each acknowledgement in two pieces.
	SplitAcks bool

	// OutliveCredentials lets a PutMedia connection go on when the credentials
	// that it was opened with expire, instead of ending it without a word.
	OutliveCredentials bool

	// ReverseLists lets ListFragments return each page with its newest fragment
	// first: the API promises no order.
	ReverseLists bool

	// WarmNeedsMonth refuses a retention of less than 30 days in the tier WARM. The
	// documentation has 30 days as what is billed at least, not as a limit.
	WarmNeedsMonth bool

	// WarmStays refuses the tier HOT to a stream that is WARM.
	WarmStays bool

	// WholeClips lets GetClip take all fragments of a range of producer timestamps.
	// Otherwise it takes the oldest run alone, as is documented of HLS and DASH
	// sessions.
	WholeClips bool

	// MinDurationID is the error ID of MIN_FRAGMENT_DURATION_REACHED, which is
	// documented without one; 4013.
	MinDurationID int

	// NotAuthorizedStatus is the HTTP status of NotAuthorizedException; 401.
	NotAuthorizedStatus int
}

func (v *Variants) setDefaults() {
	v.MinDurationID = cmp.Or(v.MinDurationID, 4013)
	v.NotAuthorizedStatus = cmp.Or(v.NotAuthorizedStatus, 401)
}

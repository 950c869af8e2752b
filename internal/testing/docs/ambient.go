package docs

// ambient are the names that Go snippets use without declaring them.
const ambient = `
var (
	ctx       context.Context
	err       error
	file      *os.File
	check     func(error)
	t         *testing.T
	cfg       aws.Config
	awsConfig aws.Config
	device    iotcreds.Config

	cam         *camera.Camera
	producer    *kvsmedia.Producer
	rec         *recorder.Recorder
	id          recorder.ClipID
	jpeg        []byte
	w           http.ResponseWriter
	r           *http.Request
	fragments   iter.Seq[kvsmedia.Stored]
	card        interface{ Uploaded(key, number string) }
	total       int
	coin        *rand.Rand
	subject     func(*storagetest.FS)
	look        func(*storagetest.FS)
	video       *kvsmedia.Track
	main, sound *kvsmedia.Track
	tracks      []*kvsmedia.Track
	ended       chan error
	encode      func() iter.Seq2[time.Duration, []byte]
	encoders    map[*kvsmedia.Track]interface{ SetBitrate(int); ForceKeyframe() }
	save        func(kvsmedia.Frame)
	v           *viewer.Viewer
	show        func(any)

	yesterday time.Time
	day       kvsmedia.Range
	topic     string

	url         string
	pem         []byte
	credentials aws.CredentialsProvider
	a         *kvsmedia.Archive
	runCamera netlab.Role

	sps, pps     []byte
	depacketised iter.Seq2[[]byte, int64]
	write        func(data []byte, key bool, stamp int64)

	units     *bitstream.Units
	nalus     [][]byte
	timestamp int64
	marker    bool
	take      func(bitstream.AccessUnit)
)
`

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/docs"
)

// limits are the entries under README's Limits, by their first words, and the tests that
// hold them, by package.
var limits = map[string]map[string]string{
	"Codecs on live view": {
		"camera": "TestBFramesAreRecorded TestBFramesKeepViewersAway TestSoundNotLive", "internal/rtc/sdp": "TestChoosesTheCodecOfTheStream TestBarredPictures TestBarredSound",
	},
	"Viewers and recordings begin at key frames": {"camera": "TestStreamsThatCannotBeJoined", "internal/ring": "TestReaderBeginsAtKey"},
	"Codecs of recordings":                       {"kvsmedia": "TestProducerConfig TestRoundTrip", "kvsmedia/kvsmediatest": "TestUnplayable", "examples/camera/device": "TestWhatIsFilmedIsRecorded"},
	"The service's players":                      {"kvsmedia": "TestSameTracks TestUnplayableTracks", "examples/viewer": "TestClipOfChangingTracks"},
	"Quotas of a stream":                         {"internal/fragment": "TestCuts", "kvsmedia": "TestFragmentLengths TestOutageBeyondTheBuffer TestLongOutage"},
	"In a recording, sound is aligned":           {"internal/fragment": "TestTimeline TestUntimed", "kvsmedia": "TestUnaligned TestOddClocks"},
	"On live view, sound and picture follow":     {"internal/epoch": "TestDrift"},
	"A viewer gets one picture and one sound":    {"internal/rtc": "TestAnswersAsPeersWriteThem", "internal/rtc/sdp": "TestOffers"},
	"H.264 goes out in fragments":                {"internal/rtc/sdp": "TestChoosesTheCodecOfTheStream TestPayloadsAsPeersWriteThem"},
	"A viewer's candidates, SSRCs":               {"internal/rtc": "TestPeerOfTooManySSRCs TestPeerWithThousandsOfPorts TestCandidatesOfEachTypeAreBounded", "camera": "TestDataChannelFlood", "internal/command": "TestViolationsEndTheSession"},
	"Media flows over UDP":                       {"internal/rtc": "TestICEServersAsPionGetsThem TestDescriptionsCarryAllHosts TestTURNOverTLSTrustsTheCallersAuthorities"},
	"A viewer that sends data channel messages":  {"internal/rtc/sctpguard": "TestBounds", "camera": "TestMegabytesBothWays"},
	"Quotas of the service":                      {"signaling": "TestTwoMasters TestSendRefusesLocally TestRenewalThroughADay TestICEServersAreReady", "camera": "TestPlacesAreNotGivenTwice TestRefusals"},
	"At the end of privacy":                      {"camera": "TestPreRollEndsAtPrivacy TestPrivacyEndsForAll"},
	"Of what is uploaded by WebRTC ingestion":    {"camera/cameratest": "TestIngestion"},
	"The stand-in keeps the picture":             {"camera/cameratest": "TestIngestion"},
	"Memory for frames":                          {"internal/ring": "TestBudget", "camera": "TestManyViewersGetTheSameFrames"},
	"The recorder's clips begin and end":         {"camera/recorder": "TestTrigger", "camera/recorder/internal/roll": "TestClips", "camera/recorder/internal/segment": "TestPowerCut"},
	"The recorder knows 20,000 clips":            {"camera/recorder/internal/catalog": "TestBounds"},
	"Motion is found by":                         {"camera/motion": "TestFigures TestRegions"},
	"Not there yet":                              {"internal/testing/docs": "TestNotThereYet"},
}

// Every limit in README.md is held by tests that exist.
func TestLimits(t *testing.T) {
	_, text, ok := strings.Cut(read(t, root+"/README.md"), "\n## Limits\n")
	if !ok {
		t.Fatal("README.md has no Limits")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	found := map[string]bool{}
	for _, entry := range strings.Split(text, "\n- ")[1:] {
		entry = strings.Join(strings.Fields(entry), " ")
		held := false
		for begin := range limits {
			if strings.HasPrefix(entry, begin) {
				held, found[begin] = true, true
			}
		}
		if !held {
			t.Errorf("no test is named for the limit %q", entry)
		}
	}
	for begin, packages := range limits {
		if !found[begin] {
			t.Errorf("README.md has no limit %q", begin)
		}
		for dir, tests := range packages {
			for name := range strings.FieldsSeq(tests) {
				if !hasTest(t, dir, name) {
					t.Errorf("%s has no %s, which holds the limit %q", dir, name, begin)
				}
			}
		}
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	p := regexp.MustCompile(`(?m)^func ` + name + `\(`)
	for _, f := range files {
		if p.MatchString(read(t, f)) {
			return true
		}
	}
	return false
}

// What README.md says is missing is missing.
func TestNotThereYet(t *testing.T) {
	for _, dir := range []string{"camera/iotcore", "examples/webapp", "examples/backend"} {
		if _, err := os.Stat(filepath.Join(root, dir)); err == nil {
			t.Errorf("%s is there: README.md lists it as missing", docs.Module+"/"+dir)
		}
	}
}

// The numbers in README.md are those of the code.
func TestNumbers(t *testing.T) {
	readme := strings.Join(strings.Fields(read(t, root+"/README.md")), " ")
	for phrase, code := range map[string][2]string{
		"8 MiB by default (`camera.Config.RingBytes`)":      {"camera/config.go", "defaultRingBytes = 8 << 20"},
		"10 viewers by default, like `MaxViewers`":          {"camera/config.go", "defaultMaxViewers = 10"},
		"(`ProducerConfig.BufferBytes`, 64 MiB by default)": {"kvsmedia/producer.go", "cfg.BufferBytes = 64 << 20"},
		"10,000 bytes per signaling message":                {"signaling/envelope.go", "maxPayload = 10_000"},
		"so fast that 4,096 of them wait":                   {"internal/rtc/sctpguard/guard.go", "maxSmall = 4096"},
		"PTS must be within 5 s of the picture's":           {"internal/fragment/timeline.go", "maxApart = 5 * time.Second"},
	} {
		if !strings.Contains(readme, phrase) {
			t.Errorf("README.md does not say %q", phrase)
		}
		if source := strings.Join(strings.Fields(read(t, filepath.Join(root, code[0]))), " "); !strings.Contains(source, code[1]) {
			t.Errorf("README.md says %q, %s does not say %q", phrase, code[0], code[1])
		}
	}
}

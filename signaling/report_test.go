package signaling_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// TestReportPrintsAsAValue prints a report as it comes in events and states: by value.
func TestReportPrintsAsAValue(t *testing.T) {
	report := signaling.ConnectReport{
		Peer:     signaling.Peer{ID: "ann"},
		Phases:   []signaling.Phase{{Name: "ice", Took: 20 * time.Millisecond}},
		Selected: &signaling.CandidatePair{Local: signaling.Candidate{Type: "relay", Protocol: "udp", Address: "192.0.2.1:1"}, Remote: signaling.Candidate{Type: "host"}},
		Failure:  "the peer left",
	}
	event := struct{ Report signaling.ConnectReport }{report}
	for _, text := range []string{fmt.Sprint(report), fmt.Sprintf("%v", event), report.String(), (&report).String()} {
		if !strings.Contains(text, `session with "ann"`) || !strings.Contains(text, "20.0 ms") || !strings.Contains(text, "the peer left") {
			t.Errorf("it prints as %s", text)
		}
	}
	if !event.Report.Relayed() || (signaling.ConnectReport{}).Relayed() {
		t.Error("relayed is wrong")
	}
}

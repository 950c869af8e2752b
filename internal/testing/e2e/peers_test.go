package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// peerKinds are the lines of a peer that carry signaling messages.
var peerKinds = map[string]signaling.Kind{
	"offer": signaling.Offer, "answer": signaling.Answer, "candidate": signaling.ICECandidate,
}

// counts is how much media a peer has decoded.
type counts struct{ Pictures, Keys, Sounds int }

// peer is a running script of the directory peers, a viewer whose signaling
// messages the test carries between its lines and a signaling client.
type peer struct {
	t      *testing.T
	name   string
	client *signaling.Client
	data   chan string // text messages of its data channel

	write sync.Mutex
	stdin io.Writer

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when one of the fields below changes
	counts  counts
	answer  string // the SDP of the camera's answer
	failure error  // why the peer serves no more
}

// peerLine is a line between a test and a peer.
type peerLine struct {
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload"`
}

// needPeer returns Debian's Python, for which the distribution's modules are
// installed, or ends the test if that cannot run the script.
func needPeer(t *testing.T, script string) (python string) {
	t.Helper()
	return testtools.NeedRun(t, "/usr/bin/python3", "-B", filepath.Join("peers", script), "check")
}

// startPeer runs a script as a viewer of the channel until the test ends.
func startPeer(t *testing.T, c *cameratest.Cloud, channel, script string, job any) *peer {
	t.Helper()
	ctx := within(t)
	client, err := signaling.DialViewer(ctx, signaling.Config{AWS: c.ViewerAWS(channel), Channel: channel, Logger: logger(t)}, channel+"-peer")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", "-B", script)
	cmd.Dir = "peers"
	cmd.Stderr = t.Output()
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, name: script, client: client, stdin: stdin, data: make(chan string, 16), changed: make(chan struct{})}
	var work sync.WaitGroup
	work.Go(func() { p.listen(ctx, stdout) })
	work.Go(func() { p.receive(ctx) })
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = client.Close()
		work.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	})
	if err := json.NewEncoder(stdin).Encode(job); err != nil {
		t.Fatal(err)
	}
	return p
}

// listen carries the peer's lines to signaling until they end.
func (p *peer) listen(ctx context.Context, stdout io.Reader) {
	scanner := bufio.NewScanner(stdout)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line peerLine
		var text string
		err := json.Unmarshal(scanner.Bytes(), &line)
		switch {
		case err != nil:
		case line.Kind == "counts":
			p.note(func() { err = json.Unmarshal(line.Payload, &p.counts) })
		case line.Kind == "data":
			if err = json.Unmarshal(line.Payload, &text); err == nil {
				p.data <- text
			}
		case line.Kind == "failure":
			err = fmt.Errorf("the peer fails: %s", line.Payload)
		case peerKinds[line.Kind] != 0:
			if line.Kind == "offer" {
				p.t.Logf("%s offers %s", p.name, sdpOf(line.Payload))
			}
			err = p.client.Send(ctx, signaling.Message{Kind: peerKinds[line.Kind], Payload: line.Payload})
		default:
			err = fmt.Errorf("a line of the unknown kind %q", line.Kind)
		}
		if err != nil {
			p.fail(err)
		}
	}
	if err := scanner.Err(); err != nil {
		p.fail(err)
	}
	p.fail(io.ErrUnexpectedEOF)
}

// receive carries signaling messages to the peer until the client is closed.
func (p *peer) receive(ctx context.Context) {
	for {
		m, err := p.client.Receive(ctx)
		if err != nil {
			p.fail(err)
			return
		}
		switch m.Kind {
		case signaling.Answer:
			answer := sdpOf(m.Payload)
			p.t.Logf("%s is answered %s", p.name, answer)
			p.note(func() { p.answer = answer })
			p.tell("answer", m.Payload)
		case signaling.ICECandidate:
			p.tell("candidate", m.Payload)
		default:
			p.fail(fmt.Errorf("signaling gave the viewer the %v %s: %w", m.Kind, m.Payload, m.Err))
		}
	}
}

// tell writes a line to the peer.
func (p *peer) tell(kind string, payload json.RawMessage) {
	line, err := json.Marshal(peerLine{kind, payload})
	if err != nil {
		p.fail(err)
		return
	}
	p.write.Lock()
	defer p.write.Unlock()
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		p.fail(err)
	}
}

// note makes a change that until sees.
func (p *peer) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *peer) fail(err error) {
	p.note(func() {
		if p.failure == nil {
			p.failure = err
		}
	})
}

// until waits until the peer was answered and its counts hold, and returns the
// answer's SDP.
func (p *peer) until(ctx context.Context, what string, holds func(counts) bool) (answer string) {
	p.t.Helper()
	for {
		p.mu.Lock()
		have, answer, failure, changed := p.counts, p.answer, p.failure, p.changed
		p.mu.Unlock()
		if answer != "" && holds(have) {
			return answer
		}
		if failure != nil {
			p.t.Fatalf("%s has %+v, not %s: %v", p.name, have, what, failure)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			p.t.Fatalf("%s has %+v, not %s, when the time is over; its answer: %s", p.name, have, what, answer)
		}
	}
}

// sdpOf returns the SDP of a session description.
func sdpOf(payload []byte) string {
	var description struct{ SDP string }
	if err := json.Unmarshal(payload, &description); err != nil {
		return err.Error()
	}
	return description.SDP
}

var mediaLine = regexp.MustCompile(`(?m)^m=(\w+) (\d+) `)

// taken returns which kinds of media an answer takes, one word for each section
// in their order: "video", or "no video" where the port is 0 (RFC 3264, 6).
func taken(answer string) (kinds []string) {
	for _, m := range mediaLine.FindAllStringSubmatch(answer, -1) {
		if m[2] == "0" {
			m[1] = "no " + m[1]
		}
		kinds = append(kinds, m[1])
	}
	return kinds
}

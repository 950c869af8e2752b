package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// Media goes through the stand-in cloud's relays when both sides allow nothing else.
func TestRelay(t *testing.T) {
	c := startCloud(t)
	relayed(t, device(t, c, "door"), signaling.Config{AWS: c.ViewerAWS("door"), Channel: "door"})
}

// coturn relays as well, and refuses credentials whose time is over.
func TestCoturn(t *testing.T) {
	turn := startCoturn(t)
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			over(t, func() signalingtest.ICEServer { return turn.credentials(transport, time.Minute) })
		})
	}
	t.Run("expired", func(t *testing.T) {
		srv := service(t, func() signalingtest.ICEServer { return turn.credentials("udp", -time.Minute) })
		film(t, camera.Config{Signaling: srv.Config("door"), ICEPolicy: signaling.ICERelayOnly})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("door"), ICEPolicy: signaling.ICERelayOnly, Logger: logger(t)})
		if err == nil {
			v.Close()
			t.Fatal("expired credentials gave a session")
		}
		var dial *viewer.DialError
		if !errors.As(err, &dial) {
			t.Fatalf("Dial: %v", err)
		}
		for _, cand := range dial.Report.Local {
			t.Errorf("a candidate in spite of expired credentials: %+v", cand)
		}
		if !strings.Contains(err.Error(), "no TURN server gave a relay (blocked, unreachable, or expired credentials)") {
			t.Errorf("the reason given is: %v", err)
		}
	})
}

// service is a signaling service that gives out one TURN server.
func service(t *testing.T, turn func() signalingtest.ICEServer) *signalingtest.Server {
	srv := signalingtest.NewServer(signalingtest.Config{
		TURN: func(string, time.Time) []signalingtest.ICEServer { return []signalingtest.ICEServer{turn()} },
	})
	t.Cleanup(func() { srv.Close() })
	return srv
}

// over checks that media goes through one TURN server.
func over(t *testing.T, turn func() signalingtest.ICEServer) {
	t.Helper()
	srv := service(t, turn)
	relayed(t, srv.Config("door"), srv.Config("door"))
}

// relayed checks that what the camera films reaches the viewer unchanged, through a relay.
func relayed(t *testing.T, master, watcher signaling.Config) {
	t.Helper()
	cam := film(t, camera.Config{Signaling: master, ICEPolicy: signaling.ICERelayOnly})
	events := watch(t, cam)
	ctx := within(t)
	watcher.Logger = logger(t)
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: watcher, ICEPolicy: signaling.ICERelayOnly, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	sameFrames(t, ctx, v, 45, 100)
	joined := await(t, ctx, events, func(camera.Joined) bool { return true })
	for side, r := range map[string]signaling.ConnectReport{"viewer": v.Report(), "camera": joined.Report} {
		if !r.Relayed() || r.Selected.Local.Type != "relay" {
			t.Errorf("the %s was not relayed:\n%v", side, &r)
		}
		for _, c := range slices.Concat(r.Local, r.Remote) {
			if c.Type != "relay" {
				t.Errorf("the %s used the candidate %+v", side, c)
			}
		}
	}
}

// sameFrames checks that the viewer's first frames are a piece of the street:
// the pictures' NAL units and the packets of sound, byte by byte and in order.
func sameFrames(t *testing.T, ctx context.Context, v *viewer.Viewer, pictures, sounds int) {
	t.Helper()
	video, audio := follow("main"), follow("opus")
	for f := range v.Frames(ctx) {
		if f.Skipped > 0 {
			t.Errorf("%d frames were lost", f.Skipped)
		}
		p := audio
		if f.Track.Codec.Video() {
			p = video
		}
		if !p.take(f) {
			t.Fatalf("frame %d of %v is not the next one of the clip", p.n, f.Track.Codec)
		}
		if video.n >= pictures && audio.n >= sounds {
			return
		}
	}
	t.Fatalf("the frames ended after %d pictures and %d packets of sound: %v", video.n, audio.n, v.Err())
}

// position follows frames through a track of the clip.
type position struct {
	content [][]byte
	at      []int // where the frames so far may have ended
	n       int   // frames so far
}

func follow(track string) *position {
	p := &position{}
	for _, f := range clips.Day().Frames {
		if f.Track.Name == track {
			p.content = append(p.content, content(f))
			p.at = append(p.at, len(p.at))
		}
	}
	return p
}

// take reports whether f comes next in the clip, after which its beginning comes again.
func (p *position) take(f kvsmedia.Frame) bool {
	data := content(f)
	var at []int
	for _, i := range p.at {
		if i = (i + 1) % len(p.content); bytes.Equal(p.content[i], data) {
			at = append(at, i)
		}
	}
	p.at = at
	p.n++
	return len(at) > 0
}

// content is a frame's data with start codes of one length.
func content(f kvsmedia.Frame) []byte {
	if !f.Track.Codec.Video() {
		return f.Data
	}
	return bitstream.AppendAnnexB(nil, bitstream.Split(nil, f.Data))
}

// coturn is a running turnserver.
type coturn struct{ address, secret string }

// credentials are time-limited as coturn's "TURN REST API" defines them.
func (c coturn) credentials(transport string, life time.Duration) signalingtest.ICEServer {
	user := strconv.FormatInt(time.Now().Add(life).Unix(), 10) + ":camera"
	h := hmac.New(sha1.New, []byte(c.secret))
	h.Write([]byte(user))
	return signalingtest.ICEServer{
		URIs: []string{"turn:" + c.address + "?transport=" + transport}, Username: user,
		Password: base64.StdEncoding.EncodeToString(h.Sum(nil)),
	}
}

// startCoturn runs turnserver on loopback until the test ends.
func startCoturn(t *testing.T) coturn {
	t.Helper()
	whole(t)
	path := testtools.Need(t, "turnserver")
	c := coturn{secret: "not so secret"}
	port := freePorts(t)
	c.address = fmt.Sprintf("127.0.0.1:%d", port)
	dir := t.TempDir()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout", "--simple-log",
		"--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers", "--realm=smartcam",
		"--use-auth-secret", "--static-auth-secret="+c.secret,
		fmt.Sprintf("--listening-port=%d", port), "--pidfile="+filepath.Join(dir, "pid"), "--userdb="+filepath.Join(dir, "users"))
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
	})
	limit, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", c.address)
		if err == nil {
			conn.Close()
			return c
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("turnserver ended: %v", err)
		case <-limit:
			t.Fatalf("turnserver does not listen: %v", err)
		case <-tick.C:
		}
	}
}

// freePorts returns a port that is free together with the next one, over UDP and TCP.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 50 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		free := port < 65535
		for _, p := range []int{port, port + 1} {
			if u, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
				u.Close()
			} else {
				free = false
			}
		}
		if second, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
			second.Close()
		} else {
			free = false
		}
		first.Close()
		if free {
			return port
		}
	}
	t.Fatal("no two free ports in a row")
	return 0
}

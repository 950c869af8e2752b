package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
)

const (
	program   = module + "internal/testing/budget/smallest"
	recording = module + "internal/testing/budget/recording"
)

// small are the flags of a small build: no symbols, no HTTP/2, which the SDK
// does not use, and no inlining where a session is set up; what each packet
// passes through keeps it.
func small() []string {
	flags := []string{"-trimpath", "-ldflags=-s -w", "-tags=nethttpomithttp2"}
	for _, pkg := range []string{
		"github.com/pion/dtls/v3/...", "github.com/pion/ice/v4", "github.com/pion/interceptor/...", "github.com/pion/mdns/v2",
		"github.com/pion/rtcp", "github.com/pion/sctp", "github.com/pion/sdp/v3", "github.com/pion/stun/v4/...",
		"github.com/pion/turn/v5/...", "github.com/pion/webrtc/v4", "github.com/aws/...", "github.com/coder/websocket/...",
		"golang.org/x/net/...", module + "iotcreds", module + "signaling", module + "internal/adapt", module + "internal/awsapi",
		module + "internal/command", module + "internal/rtc", module + "internal/rtc/sdp",
		"crypto/tls", "crypto/x509", "encoding/asn1", "encoding/gob", "encoding/json", "log/slog", "mime/...",
		"net", "net/http", "net/url", "regexp/...",
	} {
		flags = append(flags, "-gcflags="+pkg+"=-l")
	}
	return flags
}

const module = "github.com/smartcam-sdk/smartcam/"

// targets are the settings of the Go tool for each target of Linux.
var targets = map[string][]string{
	"arm5": {"GOARCH=arm", "GOARM=5"}, "arm6": {"GOARCH=arm", "GOARM=6"}, "arm7": {"GOARCH=arm", "GOARM=7"},
	"arm64": {"GOARCH=arm64"}, "mipsle": {"GOARCH=mipsle", "GOMIPS=softfloat"}, "riscv64": {"GOARCH=riscv64"},
	"386": {"GOARCH=386"}, "amd64": {"GOARCH=amd64"},
}

// settle is how long a camera runs before its memory is read.
const settle = 10 * time.Second

// build makes a program for a target and returns its file.
func build(ctx context.Context, dir, program string, env ...string) (string, error) {
	out := filepath.Join(dir, "camera")
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build"}, small()...), "-o", out, program)...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, b)
	}
	return out, nil
}

// size returns the size of a program in MB.
func size(ctx context.Context, dir, program, target string) (float64, error) {
	env, ok := targets[target]
	if !ok {
		return 0, errors.New("unknown target")
	}
	file, err := build(ctx, dir, program, append([]string{"GOOS=linux"}, env...)...)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / 1e6, nil
}

// benchmark runs a benchmark of package camera and returns one of its metrics.
func benchmark(ctx context.Context, name, metric string) (float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", name+"$", "-benchtime", "150x", "github.com/smartcam-sdk/smartcam/camera")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	f := strings.Fields(string(out))
	for i := range f {
		if f[i] == metric {
			return strconv.ParseFloat(f[i-1], 64)
		}
	}
	return 0, fmt.Errorf("no metric %s in: %s", metric, out)
}

// idle returns the anonymous memory in MiB of a camera that nobody watches, after
// it was online for a while with pictures written or not. Its root certificates
// are one, as a device carries Amazon's alone: Go's copy of a desktop's 140 costs
// 2.5 MiB.
func idle(ctx context.Context, dir string, pictures bool) (float64, error) {
	cloud, err := cameratest.New(cameratest.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := cloud.Start(ctx); err != nil {
		return 0, err
	}
	defer cloud.Close()
	door, err := cloud.AddDevice("door")
	if err != nil {
		return 0, err
	}
	file, err := build(ctx, dir, program)
	if err != nil {
		return 0, err
	}
	owner := cloud.OwnerAWS()
	cmd := exec.CommandContext(ctx, file, door.Dir, owner.Region, *owner.BaseEndpoint)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"), "SSL_CERT_DIR="+filepath.Join(dir, "none"))
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	service := cloud.Signaling()
	if err := service.Wait(ctx, func() bool { return service.Master("door") != nil }); err != nil {
		return 0, fmt.Errorf("the camera does not come online: %w: %s", err, said.String())
	}
	if pictures {
		err = feed(in, settle)
	} else {
		time.Sleep(settle)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, said.String())
	}
	return anonymous(cmd.Process.Pid)
}

// feed writes pictures of 4 Mbit/s in real time.
func feed(to io.Writer, length time.Duration) error {
	const size = 4_000_000 / 8 / 30
	key := testmedia.NewNoise().Next().Data
	filler := append([]byte{0, 0, 0, 1, 12}, bytes.Repeat([]byte{0xff}, size)...)
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for n := range int(length.Seconds() * 30) {
		unit := append([]byte{0, 0, 0, 1}, testmedia.SliceHead(false, true, n%30)...)
		unit = append(unit, bytes.Repeat([]byte{0x55}, size)...)
		if n%30 == 0 {
			unit = slices.Concat(key, filler)
		}
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(unit))), unit...)); err != nil {
			return err
		}
		<-tick.C
	}
	return nil
}

// anonymous returns the anonymous resident memory of a process in MiB.
func anonymous(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "RssAnon:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("the kernel does not say RssAnon")
}

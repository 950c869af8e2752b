package program

import (
	"errors"
	"flag"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	where := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-30T00:00:00Z"}}
	for name, c := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"unknown": {debug.BuildInfo{}, "(devel) (smartcam (devel), " + where},
		"released": {debug.BuildInfo{Main: debug.Module{Path: sdk + "/examples", Version: "v0.2.0"}, Deps: []*debug.Module{{Path: sdk, Version: "v0.3.0"}}, Settings: settings},
			"v0.2.0 (smartcam v0.3.0, commit 0123456789ab of 2026-11-30T00:00:00Z, " + where},
		"modified working tree": {debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Deps: []*debug.Module{{Path: sdk, Version: "v0.0.0", Replace: &debug.Module{Path: "../"}}},
			Settings: append(settings, debug.BuildSetting{Key: "vcs.modified", Value: "true"})},
			"(devel) (smartcam (devel), commit 0123456789ab of 2026-11-30T00:00:00Z, modified, " + where},
	} {
		if got := build(&c.info).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	clean(t)
	p, err := parse("-version", "-for", "1s")
	if got := p.out.String(); !errors.Is(err, flag.ErrHelp) || !strings.HasPrefix(got, "film ") || !strings.HasSuffix(got, where+"\n") {
		t.Errorf("-version prints %q, %v", got, err)
	}
}

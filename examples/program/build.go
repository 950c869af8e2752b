package program

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// sdk is the path of the SDK's module.
const sdk = "github.com/smartcam-sdk/smartcam"

// Build tells what a program was built from.
type Build struct {
	Version  string `json:"version"`            // of the program's module; "(devel)" in a working tree
	SDK      string `json:"sdk"`                // version of the SDK's module
	Commit   string `json:"commit,omitempty"`   // of version control; go run leaves it out
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // after the commit
	Go       string `json:"go"`                 // version of Go
	Platform string `json:"platform"`           // linux/arm64
}

// ReadBuild returns what this program was built from.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return build(info)
}

func build(info *debug.BuildInfo) Build {
	b := Build{Version: cmp.Or(info.Main.Version, "(devel)"), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	b.SDK = b.Version
	for _, m := range info.Deps {
		if m.Path != sdk {
			continue
		}
		b.SDK = m.Version
		if m.Replace != nil {
			b.SDK = cmp.Or(m.Replace.Version, "(devel)") // a directory has none
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String returns a line for a person.
func (b Build) String() string {
	commit := ""
	if b.Commit != "" {
		commit = fmt.Sprintf("commit %.12s of %s", b.Commit, b.Time)
		if b.Modified {
			commit += ", modified"
		}
		commit += ", "
	}
	return fmt.Sprintf("%s (smartcam %s, %s%s, %s)", b.Version, b.SDK, commit, b.Go, b.Platform)
}

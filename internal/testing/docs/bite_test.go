package docs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/docs"
)

// bite: each check finds what it is there for, and lets pass what is right.
func (c *checks) bite(t *testing.T) {
	for text, want := range map[string]string{
		"```go\nfor f := range cam.Frames(ctx, 0) {\n\t…\n}\n```":              "",
		"```go\nerr = cam.Rune(ctx)\n```":                                      "cam.Rune undefined",
		"```go\ncam.Run(\n```":                                                 "no Go",
		"```json\n{\"a\": 1}\n```":                                             "",
		"```json\n{\"a\": 1} one\n{\"a\" 1}\n```":                              "invalid character",
		"```json\n{\"a\": 1,}\n```":                                            "invalid character",
		"run\n\n    go run -C examples ./demo -addr localhost:1":               "",
		"run\n\n    go run -C examples ./demo -address localhost:1":            "no flag -address",
		"run\n\n    go run -C examples ./demos":                                "demos",
		"run\n\n    go run -C example ./demo":                                  "example",
		"run\n\n    go run -C examples ./viewer lists":                         "no command lists",
		"run\n\n    go run -C examples ./viewer clip -grant x":                 "no flag -grant",
		"run\n\n    go run -C examples ./viewer -o - | mvp -":                  "no program mvp",
		"run\n\n    go test -run 'TestDocs|TestNone' ./internal/testing/docs":  "TestNone",
		"run\n\n    go test -run TestDocs ./internal/testing/doc":              "internal/testing/doc",
		"run\n\n    go test -rase ./camera":                                    "no flag -rase",
		"run\n\n    bash .ci/run lint test":                                    "no step test",
		"run\n\n    bash .ci/walk":                                             "walk",
		"run\n\n    cd internal/tests && npm ci":                               "No such file",
		"```sh\naws iot create-thing --thing-name $NAME\n```":                  "unbound variable",
		"```sh\nNAME=a\naws iot create-thing --thing-name $NAME\n```":          "",
		"```sh\naws iot create-thing --thing-names a\n```":                     "--thing-name",
		"```sh\naws iot create-role-alias --role-alias a --role-arn b\n```":    "Invalid length",
		"```sh\ncat >p.json <<E\n{\"a\": }\nE\naws iot list-things\n```":       "p.json is not JSON",
		"[here](README.md#limits) and [there](../../../README.md)":             "leads nowhere",
		"[here](../../../README.md) [x](https://example.com/y)":                "",
		"# A title\n[here](#a-title)":                                          "",
		"[here](../../../CONTRIBUTING.md#tests)":                               "",
		"[here](../../../CONTRIBUTING.md#test)":                                "no heading",
		"# A title\n[here](#another)":                                          "no heading",
		"`camera.Config` `Config.SlowViewers` `FollowSlowest` `Camera.Frames`": "",
		"`camera.Configs`":                                                     "camera.Configs does not exist",
		"`Config.SlowViewer`":                                                  "Config.SlowViewer does not exist",
		"`FollowTheSlowest`":                                                   "FollowTheSlowest does not exist",
		"`SMARTCAM_DEVICE`":                                                    "",
		"`SMARTCAM_DEVISE`":                                                    "SMARTCAM_DEVISE",
		"`examples/demo` `internal/testing/docs`":                              "",
		"`examples/demonstration`":                                             "examples/demonstration does not exist",
		"`-stream front-door` `-race`":                                         "",
		"`-streams`":                                                           "no program has a flag -streams",
		"`(*Camera).Run`":                                                      "",
	} {
		wrong := errors.Join(c.page(t, docs.Markdown("page", text), ".", true)...)
		switch {
		case want == "" && wrong != nil:
			t.Errorf("%s\n\t%v", text, wrong)
		case want != "" && (wrong == nil || !strings.Contains(wrong.Error(), want)):
			if strings.Contains(text, "aws ") && !strings.Contains(text, "$") && wrong == nil && !c.aws {
				continue
			}
			t.Errorf("%s\n\tis wrong: %v, want %q", text, wrong, want)
		}
	}
}

// biteComments: comments of Go are checked as pages are.
func (c *checks) biteComments(t *testing.T) {
	pages, broken, err := docs.Manual("testdata/broken", docs.Module+"/internal/testing/docs/testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	if len(broken) != 2 {
		t.Errorf("broken links: %q", broken)
	}
	for _, p := range pages {
		broken = broken[:0]
		for _, err := range c.page(t, p, ".", false) {
			broken = append(broken, err.Error())
		}
		if want := map[bool]int{true: 0, false: 2}[strings.HasSuffix(p.Name, "Do")]; len(broken) != want {
			t.Errorf("%s: %q", p.Name, broken)
		}
	}
	if len(pages) != 2 || len(pages[0].Blocks) != 1 || pages[1].Name != docs.Module+"/internal/testing/docs/testdata/broken.Thing.Do" {
		t.Errorf("pages: %+v", pages)
	}
}

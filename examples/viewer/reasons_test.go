package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever is wrong with the account's flags and environment is told apart, once each.
func TestReasons(t *testing.T) {
	c := cloud(t)
	record(t, c, "door", time.Now().Add(-time.Minute))
	for name, wrong := range map[string]struct{ variable, value, flags, want string }{
		"region":    {"", "", "-region eu-west-1", "AWS.Region is eu-west-1, and the endpoint is of another region"},
		"secret":    {"AWS_SECRET_ACCESS_KEY", "wrong", "", "the secret access key is not that of the access key ID"},
		"key":       {"AWS_ACCESS_KEY_ID", "AKIDNOBODY", "", "the credentials have expired or are unknown to AWS"},
		"authority": {"AWS_CA_BUNDLE", "", "", "must hold Amazon Root CA 1 to 4"},
	} {
		t.Run(name, func(t *testing.T) {
			if wrong.variable != "" {
				t.Setenv(wrong.variable, wrong.value)
			}
			for _, command := range []string{"list", "clip -o " + filepath.Join(t.TempDir(), "x.mp4"), "play -to now -from 5m -o -"} {
				_, _, err := call(t, strings.Fields(command+" -stream door "+wrong.flags)...)
				if err == nil || strings.Count(err.Error(), wrong.want) != 1 {
					t.Errorf("%s: %v, want %q", command, err, wrong.want)
				}
			}
		})
	}
}

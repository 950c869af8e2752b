package kvsmedia

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// elsewhere is a transport of somebody's own, whose servers lead to other hosts.
type elsewhere struct{ hosts []string }

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.hosts = append(e.hosts, r.URL.Host)
	return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://elsewhere.test/"}}, Body: http.NoBody, Request: r}, nil
}

// TestMediaIsNotRedirected: a token goes nowhere else, also by a transport that is not adapted.
func TestMediaIsNotRedirected(t *testing.T) {
	tr := &elsewhere{}
	c, closeIdle := mediaClient(&http.Client{Transport: tr})
	defer closeIdle()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://data.test/putMedia", io.NopCloser(strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Security-Token", "token")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 302 || len(tr.hosts) != 1 {
		t.Errorf("%d after %q", resp.StatusCode, tr.hosts)
	}
}

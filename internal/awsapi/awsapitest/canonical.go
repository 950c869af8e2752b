package awsapitest

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is a query string as received: pairs of decoded names and values in
// their order. A plus sign stands for itself, as in RFC 3986.
type query []param

type param struct{ name, value string }

func parseQuery(raw string) (query, *refusal) {
	var q query
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.PathUnescape(k)
		value, err2 := url.PathUnescape(v)
		if err1 != nil || err2 != nil {
			return nil, incomplete("The query string has an invalid percent-encoding.")
		}
		q = append(q, param{name, value})
	}
	return q, nil
}

// get finds a parameter whatever the case of its name: clients differ.
func (q query) get(name string) (string, bool) {
	for _, p := range q {
		if strings.EqualFold(p.name, name) {
			return p.value, true
		}
	}
	return "", false
}

// canonical returns the canonical query string, without the signature, which
// some clients append and some sort in.
func (q query) canonical() string {
	pairs := make([]param, 0, len(q))
	for _, p := range q {
		if !strings.EqualFold(p.name, "X-Amz-Signature") {
			pairs = append(pairs, param{encode(p.name), encode(p.value)})
		}
	}
	slices.SortFunc(pairs, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// Param returns a query parameter of r, looked up whatever the case of its name.
func Param(r *http.Request, name string) string {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return ""
	}
	v, _ := q.get(name)
	return v
}

// encode escapes all but the unreserved characters of RFC 3986.
func encode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// canonicalRequest returns what is signed. The path as it came is escaped once more, but
// S3 escapes what it means.
func canonicalRequest(r *http.Request, s *signature, host, payload string, once bool) string {
	path := r.URL.EscapedPath()
	if once {
		path = r.URL.Path
	}
	if path == "" {
		path = "/"
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n")
	b.WriteString(strings.ReplaceAll(encode(path), "%2F", "/") + "\n")
	b.WriteString(s.query + "\n")
	for _, name := range s.signedHeaders {
		b.WriteString(name + ":" + headerValue(r, name, host) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.signedHeaders, ";") + "\n" + payload)
	return b.String()
}

// headerValue returns the canonical value of a header, also of those which
// net/http takes out of the header when it reads a request.
func headerValue(r *http.Request, name, host string) string {
	values := r.Header.Values(name)
	switch name {
	case "host":
		return host
	case "transfer-encoding":
		values = r.TransferEncoding
	case "content-length":
		if len(values) == 0 && r.ContentLength >= 0 {
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case "connection":
		if len(values) == 0 && r.Close {
			values = []string{"close"}
		}
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// hosts returns the forms of a Host header that clients sign.
func hosts(host string) []string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		return []string{host}
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return []string{host, name}
}

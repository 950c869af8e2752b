package awsapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxMessage bounds the text taken over from an answer, in bytes.
const maxMessage = 1 << 10

// timeoutError is the end of one attempt that took too long.
type timeoutError struct{ what string }

func (e *timeoutError) Error() string   { return "no answer from " + e.what + " in time" }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// ResponseError returns the error that a refusing answer carries: its name from
// the header X-Amzn-ErrorType, else from the body, which is JSON or the XML of S3,
// and the status in the HTTP response around it. An answer that no AWS service gave
// (a proxy's, a captive portal's) has the fault Unknown, whatever its status. It never returns nil.
func ResponseError(status int, header http.Header, body []byte) *awshttp.ResponseError {
	api := &smithy.GenericAPIError{Code: errorName(header.Get("X-Amzn-ErrorType")), Fault: smithy.FaultClient}
	if status >= 500 {
		api.Fault = smithy.FaultServer
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) == nil {
		if api.Code == "" {
			api.Code = errorName(text(fields, "__type", "code", "Code"))
		}
		api.Message = text(fields, "message", "Message", "errorMessage")
	} else if code := element(body, "Code"); code != "" && bytes.Contains(body, []byte("<Error>")) {
		api.Code, api.Message = errorName(code), element(body, "Message")
	} else if (len(body) > 0 || status/100 == 2) && api.Code == "" {
		api.Message = fmt.Sprintf("the answer is not from AWS (%.60q): a proxy or captive portal may be in the way",
			header.Get("Content-Type"))
	}
	request := cmp.Or(header.Get("X-Amzn-Requestid"), header.Get("X-Amz-Request-Id"))
	if api.Code == "" && request == "" {
		api.Fault = smithy.FaultUnknown
	}
	if api.Code == "" {
		api.Code = strings.ReplaceAll(http.StatusText(status), " ", "")
	}
	if api.Code == "" {
		api.Code = "UnknownError"
	}
	api.Message = clip(Redact(api.Message), maxMessage)
	return &awshttp.ResponseError{
		// The request is left out: its headers hold the signature and the token.
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{
				StatusCode: status, Status: http.StatusText(status), Header: header, Body: http.NoBody,
			}},
			Err: api,
		},
		RequestID: clip(request, 64),
	}
}

// errorName cuts "aws#Name:http://…" and "Name,…" down to "Name".
func errorName(s string) string {
	if i := strings.IndexAny(s, ":,"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '#'); i >= 0 {
		s = s[i+1:]
	}
	return clip(strings.TrimSpace(s), 128)
}

func text(fields map[string]json.RawMessage, keys ...string) string {
	for _, k := range keys {
		var s string
		if raw, ok := fields[k]; ok && json.Unmarshal(raw, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// element returns the text of the first element of a name in an error of S3, which nests
// none and has neither attributes nor comments: every camera would link encoding/xml for
// these two.
func element(body []byte, name string) string {
	_, rest, _ := bytes.Cut(body, []byte("<"+name+">"))
	content, _, closed := bytes.Cut(rest, []byte("</"+name+">"))
	if !closed {
		return ""
	}
	return entities.Replace(string(content))
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&#34;", `"`, "&#39;", "'", "&amp;", "&")

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

var (
	signedQuery = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Security-Token|Credential))[=:][^&\s"']*`)
	signedTexts = []string{"The Canonical String", "The String-to-Sign", "canonical string"}
)

// Redact takes signatures, session tokens and what was signed out of a text.
// Services quote them when a signature does not match.
func Redact(s string) string {
	for _, t := range signedTexts {
		if i := strings.Index(s, t); i >= 0 {
			s = strings.TrimSpace(s[:i])
		}
	}
	return signedQuery.ReplaceAllString(s, "$1=…")
}

// StripURL returns err without the URL that net/http puts around it, which may
// be a signed one.
func StripURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

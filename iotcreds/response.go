package iotcreds

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	source = "IotCredentialsProvider" // aws.Credentials.Source

	maxBody    = 16 << 10 // bytes of an answer; AWS sends about 1.1 KB
	maxMessage = 512      // bytes of a server's message that an Error keeps
)

// errMalformed says no more, because the body may hold keys.
var errMalformed = errors.New("the answer is not the documented JSON with accessKeyId, secretAccessKey, sessionToken and expiration")

// parseCredentials reads the body of a 200 answer.
func parseCredentials(body []byte) (aws.Credentials, error) {
	var answer struct {
		Credentials struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
			Expiration      string `json:"expiration"`
		} `json:"credentials"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return aws.Credentials{}, errMalformed
	}
	c := answer.Credentials
	expires, err := time.Parse(time.RFC3339, c.Expiration)
	if err != nil || !word(c.AccessKeyID) || !word(c.SecretAccessKey) || !word(c.SessionToken) {
		return aws.Credentials{}, errMalformed
	}
	return aws.Credentials{
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey,
		SessionToken:    c.SessionToken,
		Source:          source,
		CanExpire:       true,
		Expires:         expires.UTC(),
	}, nil
}

// word reports whether s is fit for a header: printable ASCII without spaces.
func word(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// parseError reads any other answer.
func parseError(status int, header http.Header, body []byte) *Error {
	var answer struct{ Message, Code string }
	_ = json.Unmarshal(body, &answer) // what cannot be read stays empty
	code := header.Get("x-amzn-ErrorType")
	if code == "" {
		code = answer.Code
	}
	if i := strings.LastIndexByte(code, '#'); i >= 0 { // "namespace#Name"
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":") // "Name:http://internal..."
	e := &Error{StatusCode: status, Code: printable(code), Message: printable(answer.Message)}
	switch {
	case e.Code != "":
	case status == http.StatusTooManyRequests:
		e.Code = codeThrottling
	case status >= 500:
		e.Code = codeServer
	default:
		e.Code = codeUnknown
	}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	return e
}

// printable returns the beginning of s, with spaces for what cannot be printed.
func printable(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

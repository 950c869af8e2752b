package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Token returns a NextToken for a place in what a stream was asked for. It is good
// for that stream and for what asked says alone.
func Token(st *store.Stream, asked any, place string) string {
	return base64.StdEncoding.EncodeToString([]byte(request(st, asked) + " " + place))
}

// Place returns the place of a NextToken.
func Place(st *store.Stream, asked any, token string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(token)
	of, place, ok := strings.Cut(string(b), " ")
	if err != nil || !ok || of != request(st, asked) {
		return "", Invalid("NextToken is none of this service's for this request.")
	}
	return place, nil
}

// request tells requests apart.
func request(st *store.Stream, asked any) string {
	b, err := json.Marshal(asked)
	if err != nil {
		return "" // asked was JSON before
	}
	sum := sha256.Sum256(append([]byte(st.ARN), b...))
	return hex.EncodeToString(sum[:12])
}

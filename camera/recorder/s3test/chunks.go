package s3test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
)

// checksums are the algorithms of x-amz-checksum-… headers and trailers.
var checksums = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

const checksumPrefix = "x-amz-checksum-"

// decode returns the object in a body: the body, or what is in its chunks, where the hash of
// the body says so. Checksums that are given are checked.
func decode(h http.Header, body []byte) ([]byte, error) {
	given := map[string]string{}
	for name, values := range h {
		if name, ok := strings.CutPrefix(strings.ToLower(name), checksumPrefix); ok && name != "algorithm" && name != "mode" && name != "type" {
			given[name] = values[0]
		}
	}
	data := body
	if strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		var ok bool
		if data, ok = unchunk(body, given); !ok || strconv.Itoa(len(data)) != h.Get("X-Amz-Decoded-Content-Length") {
			return nil, invalid("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
		}
	}
	for name, want := range given {
		algorithm := checksums[name]
		if algorithm == nil {
			return nil, notImplemented(checksumPrefix + name)
		}
		sum := algorithm()
		sum.Write(data)
		if base64.StdEncoding.EncodeToString(sum.Sum(nil)) != want {
			return nil, invalid("BadDigest", "The "+strings.ToUpper(name)+" you specified did not match the calculated checksum.")
		}
	}
	return data, nil
}

// unchunk takes the encoding aws-chunked apart: chunks, each behind its length in
// hexadecimal, an empty one, and a trailer, whose checksums are added to those given.
func unchunk(body []byte, given map[string]string) (data []byte, ok bool) {
	for {
		line, rest, found := bytes.Cut(body, []byte("\r\n"))
		n, err := strconv.ParseUint(string(line), 16, 31)
		if !found || err != nil {
			return nil, false
		}
		if n == 0 {
			body = rest
			break
		}
		if uint64(len(rest)) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return nil, false
		}
		data, body = append(data, rest[:n]...), rest[n+2:]
	}
	for line := range strings.SplitSeq(string(body), "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			if name, found := strings.CutPrefix(strings.ToLower(name), checksumPrefix); found {
				given[name] = strings.TrimSpace(value)
			}
		}
	}
	return data, true
}

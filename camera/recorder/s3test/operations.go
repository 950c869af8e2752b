package s3test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

const (
	maxKey      = 1024    // bytes of UTF-8
	maxMetadata = 2 << 10 // bytes of names and values
	metaPrefix  = "x-amz-meta-"
)

func (c *call) putObject() error {
	if len(c.key) > maxKey {
		return invalid("KeyTooLongError", "Your key is too long")
	}
	if c.r.ContentLength < 0 && c.r.Header.Get("X-Amz-Decoded-Content-Length") == "" {
		return awsapitest.Errorf(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	o := &object{Key: c.key, ContentType: c.r.Header.Get("Content-Type"), Metadata: map[string]string{}}
	if o.ContentType == "" {
		o.ContentType = "binary/octet-stream"
	}
	size := 0
	for name, values := range c.r.Header {
		if name, ok := strings.CutPrefix(strings.ToLower(name), metaPrefix); ok {
			o.Metadata[name] = strings.Join(values, ",")
			size += len(name) + len(o.Metadata[name])
		}
	}
	if size > maxMetadata {
		return invalid("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	data, err := decode(c.r.Header, c.body)
	if err != nil {
		return err
	}
	if given := c.r.Header.Get("Content-Md5"); given != "" {
		sum := md5.Sum(data)
		if given != base64.StdEncoding.EncodeToString(sum[:]) {
			return invalid("BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	condition, err := conditionOf(c.r.Header)
	if err != nil {
		return err
	}
	etag, err := c.put(c.bucket, o, data, condition)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", etag)
	c.w.Header().Set("x-amz-server-side-encryption", "AES256")
	c.w.Header().Set("Content-Length", "0")
	return nil
}

// conditionOf returns what the object that is replaced, nil for none, must be like.
func conditionOf(h http.Header) (func(before *object) error, error) {
	none, match := h.Get("If-None-Match"), h.Get("If-Match")
	switch {
	case none == "" && match == "":
		return nil, nil
	case none != "" && (none != "*" || match != ""):
		return nil, notImplemented("If-None-Match other than *")
	case none != "":
		return func(before *object) error {
			if before != nil {
				return preconditionFailed()
			}
			return nil
		}, nil
	}
	return func(before *object) error {
		switch {
		case before == nil:
			return noSuchKey()
		case before.ETag != match:
			return preconditionFailed()
		}
		return nil
	}, nil
}

// put keeps an object and tells of it. It returns the object's ETag.
func (s *Service) put(bucket string, o *object, data []byte, condition func(before *object) error) (etag string, err error) {
	if s.cfg.Limits.ObjectBytes > 0 && len(data) > s.cfg.Limits.ObjectBytes {
		return "", invalid("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	sum := md5.Sum(data)
	o.ETag, o.Size = `"`+hex.EncodeToString(sum[:])+`"`, len(data)
	if err := s.store.put(bucket, o, bytes.Clone(data), condition); err != nil {
		return "", err
	}
	s.notify(s.objectEvent("ObjectCreated:Put", bucket, o), bucket, o.Key)
	return o.ETag, nil
}

// getObject answers GET and HEAD.
func (c *call) getObject() error {
	o, err := c.store.get(c.bucket, c.key)
	if err != nil {
		if !c.allows(c.principal, "ListBucket", c.bucket, "") {
			return accessDenied() // whoever may not list does not hear what is missing
		}
		return err
	}
	data, err := o.read()
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", o.ContentType)
	h.Set("ETag", o.ETag)
	h.Set("x-amz-server-side-encryption", "AES256")
	for name, value := range o.Metadata {
		h.Set(metaPrefix+name, value)
	}
	for name, values := range c.r.URL.Query() {
		if name, ok := strings.CutPrefix(name, "response-"); ok {
			h.Set(name, values[0])
		}
	}
	r := c.r.Clone(c.r.Context())
	if wanted := r.Header.Get("Range"); strings.Contains(wanted, ",") {
		r.Header.Del("Range") // S3 gives one range, or all
	} else if beyond(wanted, len(data)) {
		return awsapitest.Errorf(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	http.ServeContent(c.w, r, "", o.Modified, bytes.NewReader(data))
	return nil
}

// beyond reports whether a range begins behind the end of what has size bytes.
func beyond(wanted string, size int) bool {
	first, _, ok := strings.Cut(strings.TrimPrefix(wanted, "bytes="), "-")
	n, err := strconv.Atoi(first)
	return ok && err == nil && n >= size
}

func (c *call) deleteObject() error {
	o, err := c.store.remove(c.bucket, c.key)
	if err != nil {
		return err
	}
	if o != nil {
		c.notify(c.objectEvent("ObjectRemoved:Delete", c.bucket, o), c.bucket, c.key)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// eventKey is a key as events of S3 have it: in URL encoding, with plus signs for spaces and
// with its slashes.
func eventKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

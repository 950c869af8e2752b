package iotcreds_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestNewRefuses(t *testing.T) {
	s, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*iotcreds.Config){
		"no Endpoint":              func(c *iotcreds.Config) { c.Endpoint = "" },
		"leave out https://":       func(c *iotcreds.Config) { c.Endpoint = "https://x.credentials.iot.eu-west-1.amazonaws.com" },
		"neither a host nor":       func(c *iotcreds.Config) { c.Endpoint = "host/path" },
		"the data endpoint (MQTT)": func(c *iotcreds.Config) { c.Endpoint = "x-ats.iot.eu-west-1.amazonaws.com" },
		"not its ARN":              func(c *iotcreds.Config) { c.RoleAlias = "arn:aws:iot:eu-west-1:1:rolealias/x" },
		`ThingName ""`:             func(c *iotcreds.Config) { c.ThingName = "" },
		"no device certificate":    func(c *iotcreds.Config) { c.Certificate = tls.Certificate{} },
		"cannot sign":              func(c *iotcreds.Config) { c.Certificate.PrivateKey = "a string" },
		"choose one": func(c *iotcreds.Config) {
			c.GetCertificate = func() (*tls.Certificate, error) { return nil, nil }
		},
		"is negative": func(c *iotcreds.Config) { c.Timeout = -time.Second },
	} {
		cfg, err := s.Device(thing)
		if err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := iotcreds.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestNewAcceptsEndpoints(t *testing.T) {
	s, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.Device(thing)
	if err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{
		"c1.credentials.iot.eu-west-1.amazonaws.com", "c1.credentials.iot.cn-north-1.amazonaws.com.cn:443",
		"127.0.0.1:8443", "[::1]:8443", "::1", "localhost",
	} {
		cfg.Endpoint = endpoint
		if _, err := iotcreds.New(cfg); err != nil {
			t.Error(err)
		}
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	s, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file, content, want string
	}{
		"no identity":       {"device.json", "", "device.json"},
		"no JSON":           {"device.json", "{", "device.json"},
		"incomplete":        {"device.json", `{"credentialEndpoint":"host","thingName":"x"}`, "RoleAlias"},
		"no certificate":    {"certificate.pem", "", "certificate.pem"},
		"no PEM":            {"certificate.pem", "text", "certificate.pem"},
		"no key":            {"private.key", "", "private.key"},
		"foreign key":       {"private.key", foreignKey(t), "does not match"},
		"no authority":      {"root-ca.pem", "text", "root-ca.pem"},
		"identity too long": {"device.json", strings.Repeat(" ", 1<<20+1), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := s.WriteDevice(dir, thing); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, test.file)
			if test.content == "" {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, []byte(test.content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := iotcreds.LoadConfig(dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func foreignKey(t *testing.T) string {
	t.Helper()
	s, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.WriteDevice(dir, "other"); err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(dir, "private.key"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

package iotcredstest

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// Device returns a ready configuration for a device: endpoint, authority,
// [DefaultRoleAlias], and the newest certificate of the thing, which is added if
// there is none.
func (s *Service) Device(thing string) (iotcreds.Config, error) {
	cert, ok := s.newest(thing)
	if !ok {
		var err error
		if cert, err = s.AddThing(thing); err != nil {
			return iotcreds.Config{}, err
		}
	}
	return iotcreds.Config{
		Endpoint:    s.endpoint,
		RoleAlias:   DefaultRoleAlias,
		ThingName:   thing,
		Certificate: cert,
		RootCAs:     s.ca.Pool(),
	}, nil
}

// WriteDevice writes what [Service.Device] returns as the files that
// [iotcreds.LoadConfig] reads, into a directory that exists. Each file is written whole,
// certificate.pem last: where it is the others are.
func (s *Service) WriteDevice(dir, thing string) error {
	cfg, err := s.Device(thing)
	if err != nil {
		return err
	}
	cert, key, err := testca.EncodePEM(cfg.Certificate)
	if err != nil {
		return fmt.Errorf("iotcredstest: %w", err)
	}
	device, err := json.MarshalIndent(map[string]string{
		"credentialEndpoint": cfg.Endpoint, "roleAlias": cfg.RoleAlias, "thingName": cfg.ThingName,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("iotcredstest: %w", err)
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{{"device.json", append(device, '\n')}, {"root-ca.pem", s.ca.PEM()}, {"private.key", key}, {"certificate.pem", cert}} {
		if err := double.WriteFile(filepath.Join(dir, file.name), file.content); err != nil {
			return fmt.Errorf("iotcredstest: %w", err)
		}
	}
	return nil
}

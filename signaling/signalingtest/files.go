package signalingtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// maxChannels bounds the channels that are read of Config.Dir if Limits allows fewer.
const maxChannels = 100_000

// description is what a channel is, and what Config.Dir keeps of it.
type description struct {
	Name, ARN, Version string
	Created            time.Time
	MessageTTLSeconds  int
	Tags               map[string]string
	StorageStream      string `json:",omitempty"` // ARN
	StorageEnabled     bool
}

// load takes the channels that Config.Dir holds.
func (s *Service) load() error {
	if s.cfg.Dir == "" {
		return nil
	}
	var err error
	if s.folder, err = double.OpenFolder(filepath.Join(s.cfg.Dir, "channels"), max(maxChannels, s.channelLimit())); err != nil {
		return err
	}
	return s.folder.Load(func(content []byte) (string, error) {
		var d description
		if err := json.Unmarshal(content, &d); err != nil {
			return "", err
		}
		if err := s.check(&d); err != nil {
			return "", err
		}
		s.channels[d.Name] = newChannel(d)
		return d.Name, nil
	})
}

// check refuses a description that the API cannot have made.
func (s *Service) check(d *description) error {
	switch {
	case !namePattern.MatchString(d.Name):
		return fmt.Errorf("%q is no name of a channel", d.Name)
	case d.ARN != s.arn(d.Name, d.Created):
		return fmt.Errorf("%q is not the ARN of the channel %s of account %s in %s", d.ARN, d.Name, s.cfg.Account, s.cfg.Region)
	case d.Version == "":
		return errors.New("it has no version")
	case d.MessageTTLSeconds < minTTL || d.MessageTTLSeconds > maxTTL:
		return fmt.Errorf("a message's time to live of %d s is not from %d to %d", d.MessageTTLSeconds, minTTL, maxTTL)
	case d.StorageStream != "" && !streamPattern.MatchString(d.StorageStream), d.StorageEnabled && d.StorageStream == "":
		return fmt.Errorf("%q is no ARN of a stream", d.StorageStream)
	}
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	return checkTags(d.Tags)
}

// change edits the description of a channel, on disk first.
func (s *Service) change(ch *channel, edit func(*description)) error {
	next := ch.description
	next.Tags = maps.Clone(next.Tags)
	edit(&next)
	if err := s.folder.Save(ch.name, next); err != nil {
		return fmt.Errorf("the channel %s cannot be kept: %w", ch.name, err)
	}
	ch.description = next
	return nil
}

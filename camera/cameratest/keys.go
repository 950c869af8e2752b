package cameratest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// maxKeys bounds the long-term keys of a cloud.
const maxKeys = 10_000

// key is a long-term access key, and what the state directory keeps of it.
type key struct {
	ID, Secret string
	Principal  string
	Channels   []string `json:",omitempty"` // of a viewer; sorted
}

func newKey() key {
	id, secret := rand.Text(), rand.Text()+rand.Text()
	return key{ID: "AKIA" + id[:16], Secret: secret[:40]}
}

// keyring holds the long-term keys.
type keyring struct {
	folder *double.Folder

	mu   sync.Mutex
	keys map[string]key // by ID
}

func newKeyring() *keyring { return &keyring{keys: map[string]key{}} }

// load takes the keys of the state directory, and makes the owner's if it is not there.
func (r *keyring) load() error {
	err := r.folder.Load(func(content []byte) (string, error) {
		var k key
		if err := json.Unmarshal(content, &k); err != nil {
			return "", err
		}
		if k.ID == "" || k.Secret == "" || k.Principal == "" {
			return "", errors.New("it is no access key")
		}
		r.keys[k.ID] = k
		return k.Principal, nil
	})
	if err == nil {
		_, err = r.owner()
	}
	return err
}

// owner returns the owner's key, which is made if there is none.
func (r *keyring) owner() (key, error) {
	return r.get(func(k key) bool { return k.Principal == owner }, func() key {
		k := newKey()
		k.Principal = owner
		return k
	})
}

// viewer returns the key of the viewers of these channels, which is made if there is
// none.
func (r *keyring) viewer(channels []string) (key, error) {
	channels = slices.Compact(slices.Sorted(slices.Values(channels)))
	same := func(k key) bool { return k.Principal != owner && slices.Equal(k.Channels, channels) }
	return r.get(same, func() key {
		k := newKey()
		k.Principal, k.Channels = viewerPrefix+k.ID, channels
		return k
	})
}

// get returns the key that holds, or makes one and keeps it.
func (r *keyring) get(holds func(key) bool, create func() key) (key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.keys {
		if holds(k) {
			return k, nil
		}
	}
	if len(r.keys) >= maxKeys {
		return key{}, fmt.Errorf("cameratest: there are %d access keys already", maxKeys)
	}
	k := create()
	if err := r.folder.Save(k.Principal, k); err != nil {
		return key{}, fmt.Errorf("cameratest: keeping an access key: %w", err)
	}
	r.keys[k.ID] = k
	return k, nil
}

func (r *keyring) find(id string) (key, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.keys[id]
	return k, ok
}

// credentials returns a provider of the key, or of the error that there is none.
func credentials(k key, err error) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret, Source: "cameratest"}, err
	})
}

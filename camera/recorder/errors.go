package recorder

import "errors"

// ErrNoClip tells that there is no clip of an ID: there never was, or it was deleted or
// erased, or it was evicted and the cloud has nothing of it.
var ErrNoClip = errors.New("recorder: there is no such clip")

package storage

// Dir opens a directory of the machine and makes its last element if that is missing. It holds the
// directory's flock until Close; the lock ends with the process, however that ends. A lock that is
// held elsewhere is an [*InUseError].
func Dir(path string) (FS, error) { panic("not yet") }

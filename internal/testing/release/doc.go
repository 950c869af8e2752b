// Package release holds the test of .ci/release, in a clone of the repository.
package release

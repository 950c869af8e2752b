// Package store keeps streams and their fragments, in memory or in files that
// survive a restart.
package store

// Package api is what all operations of the service share: the way of a call from
// its request to its operation, errors, quotas, selectors of fragments, and the
// journal.
package api

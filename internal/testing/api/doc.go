// Package api lists what packages export, out of the compiler's export data. Its test
// compares the list of each public package with the one that is kept in snapshots, so
// that no name is added, changed or removed by accident. After a change that is meant:
//
//	go test ./internal/testing/api -update
package api

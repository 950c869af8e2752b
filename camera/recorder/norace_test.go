//go:build !race

package recorder_test

// race tells that the race detector slows the test down tenfold.
const race = false

//go:build race

package fragment

const race = true

// Package recorder turns events into clips: on the device's storage first, in the cloud as
// soon as the network allows, with a receipt.
package recorder

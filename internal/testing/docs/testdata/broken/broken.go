// Package broken has links to [Nothing], [os.Nowhere], [kvsmedia.Frame], and one
// to [Thing.Do] that is right.
//
//	thing.Do()
package broken

import "os"

type Thing struct{ *os.File }

// Do does iter.Seq[Frame] with x[Index], and refers to [os.File].
func (Thing) Do() {}

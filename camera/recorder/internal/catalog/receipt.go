package catalog

import (
	"encoding/binary"
	"iter"
	"math/big"
	"time"
)

// Receipt is what became of a fragment: clusters From to To of a file.
type Receipt struct {
	From, To   int32         // both included
	Start, End time.Duration // media time from the file's first frame, ms
	Bytes      int64
	Number     string // the service's number; empty if it never will be stored
	Run        string // number of the first fragment of its ingestion run
	Err        string // why it never will be stored, at most 200 bytes
}

// Receipts are packed receipts of one file, in the order of their arrival: some 30 bytes
// each, most of them the service's number, which has 20.
type Receipts []byte

// All yields the receipts.
func (p Receipts) All() iter.Seq[Receipt] { panic("not yet") }

// Covers reports whether each of the clusters from to to has a receipt, of whatever kind.
func (p Receipts) Covers(from, to int32) bool { panic("not yet") }

var _ = binary.AppendUvarint
var _ = big.NewInt

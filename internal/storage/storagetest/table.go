package storagetest

const (
	sector    = 512
	chunkSize = 4096
)

// token is the right to write to chunks in place: who has another one copies them first.
type token struct{ _ byte }

type chunk struct {
	owner *token
	data  [chunkSize]byte
}

// table is the content of a file. Chunks and the list of them are shared between what a file is
// now, what is safe of it, and the cards of before and after a power cut.
type table struct {
	chunks []*chunk // nil was never written
	taken  int      // chunks that are not nil
	mine   bool     // chunks may be changed in place
	owner  *token
}

// share returns a table of the same content. Neither changes what the other sees.
func (t *table) share() table {
	t.mine, t.owner = false, nil
	return *t
}

func (t *table) own(chunks int) {
	if t.owner == nil {
		t.owner = new(token)
	}
	if !t.mine {
		t.chunks = append(make([]*chunk, 0, max(chunks, len(t.chunks))), t.chunks...)
		t.mine = true
	}
	for len(t.chunks) < chunks {
		t.chunks = append(t.chunks, nil)
	}
}

// missing reports whether no chunk is at off.
func (t *table) missing(off int64) bool {
	i := off / chunkSize
	return i >= int64(len(t.chunks)) || t.chunks[i] == nil
}

func (t *table) write(b []byte, off int64) {
	t.own(int((off + int64(len(b)) + chunkSize - 1) / chunkSize))
	for len(b) > 0 {
		i, at := off/chunkSize, off%chunkSize
		c := t.chunks[i]
		switch {
		case c == nil:
			c = &chunk{owner: t.owner}
			t.taken++
		case c.owner != t.owner:
			c = &chunk{owner: t.owner, data: c.data}
		}
		t.chunks[i] = c
		n := copy(c.data[at:], b)
		b, off = b[n:], off+int64(n)
	}
}

func (t *table) read(b []byte, off int64) {
	for len(b) > 0 {
		at := off % chunkSize
		n := min(len(b), int(chunkSize-at))
		if t.missing(off) {
			clear(b[:n])
		} else {
			copy(b[:n], t.chunks[off/chunkSize].data[at:])
		}
		b, off = b[n:], off+int64(n)
	}
}

// cut forgets everything from size on.
func (t *table) cut(size int64) {
	keep := int((size + chunkSize - 1) / chunkSize)
	if keep < len(t.chunks) {
		t.own(0)
		for _, c := range t.chunks[keep:] {
			if c != nil {
				t.taken--
			}
		}
		clear(t.chunks[keep:])
		t.chunks = t.chunks[:keep]
	}
	if rest := size % chunkSize; rest != 0 && !t.missing(size) {
		t.write(make([]byte, chunkSize-rest), size)
	}
}

// fill gives t the chunks of stale where it has none, up to size.
func (t *table) fill(stale *table, size int64) {
	n := min(len(stale.chunks), int((size+chunkSize-1)/chunkSize))
	t.own(n)
	for i, c := range stale.chunks[:n] {
		if t.chunks[i] == nil && c != nil {
			t.chunks[i] = c
			t.taken++
		}
	}
}

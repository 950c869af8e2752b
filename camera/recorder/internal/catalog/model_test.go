package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// promise is what has to be true of a clip after a power loss.
type promise struct {
	safe      map[uint64]int // clusters of files that are on the card
	recorded  bool           // its record is
	ended     bool
	protected bool
	events    int
	receipts  int
	published map[ulid.ID]bool // durably
	kept      map[ulid.ID]bool // events whose picture is on the card
	leaving   bool             // it was evicted or deleted, perhaps not durably
}

// model runs random mutations, and knows what was promised when the power failed.
type model struct {
	*device
	r          *rand.Rand
	continuous bool
	clips      map[ulid.ID]*promise
	ids        []ulid.ID
	now        map[ulid.ID]*promise // what the next Commit promises
	open       ulid.ID
	shot       *shot
}

func newModel(d *device, seed uint64) *model {
	return &model{device: d, r: rand.New(rand.NewPCG(seed, 3)), continuous: seed%2 == 1, clips: map[ulid.ID]*promise{}, now: map[ulid.ID]*promise{}}
}

func (m *model) run(steps int) (err error) {
	if _, err = m.device.open(); err != nil {
		return err
	}
	for i := 0; i < steps && err == nil; i++ {
		err = m.step()
		for id, p := range m.clips {
			v, ok := m.cat.Clip(id)
			p.leaving = p.leaving || !ok || !v.OnCard && len(v.Spans) > 0 && v.Bytes > 0 || v.Deleted
			for e := range p.kept {
				if shotOf(v, e) == nil {
					delete(p.kept, e) // it was evicted
				}
			}
		}
	}
	return err
}

func (m *model) step() error {
	switch n := m.r.IntN(17); {
	case m.shot == nil:
		return m.begin()
	case n < 4:
		err := m.shot.film(1 + m.r.IntN(2))
		if err == nil {
			m.filmed()
		}
		return err
	case n == 4:
		return m.end()
	case n == 5 && !m.open.IsZero():
		if err := m.cat.AddEvent(m.open, catalog.Event{ID: m.cat.NewID(), Type: "again"}); err != nil {
			return err
		}
		m.now[m.open].events++
		return nil
	case n == 6:
		m.receive()
		return nil
	case n == 7 && len(m.ids) > 0:
		id := m.ids[m.r.IntN(len(m.ids))]
		if on := m.r.IntN(2) == 0; m.cat.Protect(id, on) == nil {
			m.now[id].protected = on
		}
		return nil
	case n == 8 && len(m.ids) > 2:
		m.cat.Delete(m.ids[m.r.IntN(len(m.ids))])
		return nil
	case n == 9:
		_, _, err := m.cat.Evict(m.cat.Used()-int64(m.r.IntN(100<<10)), 0)
		return err
	case n == 10:
		for _, ch := range m.cat.Pending(1 + m.r.IntN(3)) {
			m.cat.Published(ch)
			m.now[ch.Clip].published[ch.ID] = true
		}
		return nil
	case n == 11 && m.continuous && m.open.IsZero():
		return m.begin()
	case n == 12 && m.continuous:
		return m.rotate()
	case n == 13 || n == 14:
		return m.photograph()
	case n == 15:
		for _, w := range m.cat.Waiting() {
			m.cat.PutPicture(w.Clip, w.Event)
			break
		}
		return nil
	}
	return m.commit()
}

// commit commits, and what was done before it is promised.
func (m *model) commit() error {
	if _, err := m.cat.Commit(); err != nil {
		return err
	}
	for id, p := range m.now {
		was := m.clips[id]
		was.recorded, was.ended, was.events, was.protected, was.receipts = true, p.ended, p.events, p.protected, p.receipts
		for ch := range p.published {
			was.published[ch] = true
		}
	}
	return nil
}

func (m *model) filmed() {
	for _, id := range m.ids {
		v, ok := m.cat.Clip(id)
		for _, s := range v.Spans {
			if p := m.clips[id]; ok && s.File == m.shot.seq && s.Last >= 0 && (!m.continuous || p.recorded && s.Growing) {
				p.safe[s.File] = int(s.Last) + 1
			}
		}
	}
}

func (m *model) begin() (err error) {
	if m.continuous && m.shot == nil {
		m.shot, err = m.shoot(ulid.ID{})
		return err
	}
	e := catalog.Event{ID: m.cat.NewID(), Type: "motion", Picture: catalog.Picture{Given: m.r.IntN(3) > 0}}
	if e.Picture.Given && m.r.IntN(2) == 0 {
		e.Picture.Key = "door/" + e.ID.String()
	}
	if m.open, err = m.cat.Begin(ulid.ID{}, e); err != nil {
		return err
	}
	m.ids = append(m.ids, m.open)
	m.clips[m.open] = &promise{safe: map[uint64]int{}, published: map[ulid.ID]bool{}, kept: map[ulid.ID]bool{}}
	m.now[m.open] = &promise{events: 1, published: map[ulid.ID]bool{}}
	if m.continuous {
		return m.span()
	}
	if m.r.IntN(2) == 0 {
		if err = m.commit(); err != nil {
			return err
		}
	}
	m.shot, err = m.shoot(m.open)
	return err
}

// span lets the open clip grow with the open file.
func (m *model) span() error {
	f, _ := m.cat.File(m.shot.seq)
	return m.cat.SetSpan(m.open, catalog.Span{File: f.Seq, First: f.Clusters, Last: f.Clusters - 1, Growing: true, Start: f.Length, End: f.Length})
}

func (m *model) rotate() error {
	if err := m.shot.close(); err != nil {
		return err
	}
	m.filmed()
	var err error
	if m.shot, err = m.shoot(ulid.ID{}); err == nil && !m.open.IsZero() {
		err = m.span()
	}
	return err
}

func (m *model) end() error {
	if m.open.IsZero() {
		return nil
	}
	if !m.continuous {
		if err := m.shot.close(); err != nil {
			return err
		}
		m.filmed()
		m.shot = nil
	}
	if err := m.cat.End(m.open, "event over"); err != nil {
		return err
	}
	m.now[m.open].ended, m.open = true, ulid.ID{}
	if m.r.IntN(2) == 0 {
		return nil
	}
	return m.commit()
}

func (m *model) receive() {
	for f := range m.cat.Files() {
		if n := f.Clusters; n > 0 && f.Closed && !f.Sent.Covers(0, n-1) && m.r.IntN(2) == 0 {
			for i := range n {
				r := receipt.Receipt{From: i, To: i, Bytes: f.Bytes / int64(n), Number: fmt.Sprint(f.Seq, i), Run: "1"}
				if m.r.IntN(9) == 0 {
					r.Number, r.Err = "", "refused"
				}
				if m.cat.Receive(f.Seq, r) != nil {
					m.Error("a file that is listed is not known")
				}
			}
			if p := m.now[f.Clip]; p != nil {
				p.receipts = int(n)
			}
		}
	}
}

// boot starts after the power failed, which it does twice more while the camera starts.
func (m *model) boot(op int) {
	for again := range 3 {
		m.card = m.card.Restart(rand.New(rand.NewPCG(uint64(op), uint64(again))))
		if again < 2 {
			m.card.CutAt(m.card.Ops() + m.r.IntN(12))
		}
		m.opt.Now = m.opt.Now.Add(time.Hour)
		if _, err := m.device.open(); again == 2 && err != nil {
			m.Fatal(err)
		}
	}
}

// check compares what is there with what was promised.
func (m *model) check() {
	told := map[string]int{}
	for _, ch := range m.cat.Pending(1000) {
		told[ch.Clip.String()+ch.Kind.String()]++
		if p := m.clips[ch.Clip]; p != nil && p.published[ch.ID] {
			m.Errorf("%v of %v is published again", ch.Kind, ch.Clip)
		}
	}
	for id, p := range m.clips {
		v, ok := m.cat.Clip(id)
		if !ok && (p.recorded || len(p.safe) > 0) && !p.leaving && len(p.safe) > 0 {
			m.Errorf("clip %v is forgotten: %+v", id, p)
		}
		if !ok || v.Deleted {
			continue
		}
		ended := told[id.String()+"ended"]
		if !v.Ended || ended > 1 || ended == 0 && len(p.published) == 0 && len(m.now[id].published) == 0 {
			m.Errorf("clip %v has %d ends: %+v", id, ended, v)
		}
		if p.recorded && (len(v.Events)+v.More < p.events || p.ended && v.Reason != "event over") {
			m.Errorf("clip %v of %+v became %+v", id, p, v)
		}
		m.checkParts(id, p, v)
		m.checkPictures(id, p, v)
	}
	for c := range m.cat.Clips() {
		v, _ := m.cat.Clip(c.ID)
		for _, s := range v.Spans {
			f, ok := m.cat.File(s.File)
			if ok && !f.Gone && !f.Going && s.Last >= s.First && m.readable(f) <= int(s.Last) {
				m.Errorf("clip %v claims clusters %d to %d of %s, which has %d", c.ID, s.First, s.Last, f.Name(), m.readable(f))
			}
		}
	}
}

func (m *model) checkParts(id ulid.ID, p *promise, v catalog.View) {
	if p.leaving {
		return
	}
	has := map[uint64]int{}
	for _, s := range v.Spans {
		has[s.File] = int(s.Last) + 1
	}
	for file, n := range p.safe {
		if has[file] < n {
			m.Errorf("clip %v has %d clusters of file %d, %d were committed", id, has[file], file, n)
		}
	}
	receipts := 0
	for range v.Fragments() {
		receipts++
	}
	if receipts < p.receipts || !v.OnCard && len(p.safe) > 0 {
		m.Errorf("clip %v has %d receipts of %d: %+v", id, receipts, p.receipts, v)
	}
}

// TestPowerCuts: the power fails at every operation of random mutations, and twice more during
// recovery.
func TestPowerCuts(t *testing.T) {
	seeds, stride := 6, 1
	if testing.Short() {
		seeds, stride = 2, 5
	}
	for name, kind := range kindsOfCards {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				const steps = 50
				all := newModel(newDevice(t, kind), uint64(seed))
				if err := all.run(steps); err != nil {
					t.Fatal(err)
				}
				for op := 0; op <= all.card.Ops() && !t.Failed(); op += stride {
					m := newModel(newDevice(t, kind), uint64(seed))
					m.card.CutAt(op)
					_ = m.run(steps) // it ends with the power
					m.boot(op)
					if m.check(); t.Failed() {
						t.Errorf("power cut at operation %d of %d", op, all.card.Ops())
					}
				}
			})
		}
	}
}

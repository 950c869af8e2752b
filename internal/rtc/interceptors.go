package rtc

import (
	"sync"

	"github.com/pion/interceptor"
)

// whenReceiving makes interceptors that begin their work, which takes a
// goroutine and a timer each, with the first stream that comes from the peer: a
// camera's viewers seldom send any.
type whenReceiving struct{ interceptor.Factory }

func (w whenReceiving) NewInterceptor(id string) (interceptor.Interceptor, error) {
	i, err := w.Factory.NewInterceptor(id)
	return &idle{Interceptor: i}, err
}

type idle struct {
	interceptor.Interceptor
	mu     sync.Mutex
	writer interceptor.RTCPWriter // nil when work has begun
}

func (i *idle) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.writer = w
	return w // those that are held back only send, they change nothing
}

func (i *idle) BindRemoteStream(info *interceptor.StreamInfo, r interceptor.RTPReader) interceptor.RTPReader {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.writer != nil {
		i.Interceptor.BindRTCPWriter(i.writer)
		i.writer = nil
	}
	return i.Interceptor.BindRemoteStream(info, r)
}

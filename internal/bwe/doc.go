// Package bwe estimates how much a network path carries, from what its receiver
// reports about the packets sent over it, and spreads packets over time so that
// a large frame does not fill the path's queue.
//
// An [Estimator] has three sources. The best is transport-wide congestion control
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): the arrival time of each
// packet. A receiver without it gives loss and round trip in its receiver reports
// (RFC 3550, 6.4), and REMB (draft-alvestrand-rmcat-remb) is an upper limit.
//
// # Delay
//
// A packet's delay beyond the least one of the last seconds is the time that it
// waited in queues. Part of it the sender explains itself: a key frame sent at
// once queues on any path. So the estimator keeps a model of the path with one
// queue that drains at the estimated rate, and looks at what the measured delay
// has beyond the model's. If that excess rises above a threshold, the path is
// slower than estimated; the threshold follows a delay that stays, so that others
// who fill the queue do not starve us (as in Google congestion control,
// draft-ietf-rmcat-gcc). While a queue is there, the rate of arrivals is what the
// path gives us, and becomes the estimate, less what drains the queue. If on the
// other hand the packets of a frame wait for less than the model says, the path
// is faster, and the estimate grows quickly: each frame is a probe, and none is
// sent for that purpose alone.
//
// # Limits
//
// More than a tenth of the packets lost lowers the estimate; less does not, as
// radio links lose packets for other reasons. The estimate grows only while at
// least two thirds of it are really used, so it is never far from what was shown
// to work. A path from which no report comes any more is taken to be
// getting worse.
//
// Estimator and [Pacer] are plain values without clock, lock or goroutine: each
// call takes the time, as the time passed since any fixed moment, which must not
// go back.
package bwe

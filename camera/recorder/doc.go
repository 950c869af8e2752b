// Package recorder turns events into clips: on the device's storage first, in the cloud as
// soon as the network allows, with a receipt that says what is where.
//
//	rec, err := recorder.New(recorder.Config{
//		Dir:      "/media/card",
//		Source:   cam, // *camera.Camera
//		Tracks:   []*kvsmedia.Track{main, sound},
//		Uploader: producer, // *kvsmedia.Producer; nil keeps clips on the device
//	})
//	if err != nil {
//		return err
//	}
//	go func() { ended <- rec.Run(ctx) }()
//	…
//	id, err := rec.Trigger(recorder.Event{Type: "motion"})
//
// # Clips
//
// Recorder.Trigger begins a clip. It has PreRoll of before the event, out of the source's
// buffer (camera.Config.PreRoll has to reach that far), and PostRoll of after it. A
// further event extends the clip; when it has LongestClip, the next one follows without
// a gap. Clips begin and end at key frames and never overlap: one whose pre-roll would
// reach into the clip before begins where that ended. A jump of media time ends the clip
// there, and the next one follows while the event goes on.
//
// With Config.Continuous everything is recorded, and a clip is a range of that.
//
// A clip's ID stays the same for ever. Clips are listed in the order in which they were
// made, whatever the clock showed. Config.Now is asked once for each file; what was
// recorded before the time was known is stamped when it is. A clock that is set back
// makes no clip of later lie over one of before: it begins right after it.
//
// # On the storage
//
// Media are plain Matroska files, one or more for each clip (with Continuous, of five
// minutes, or less: see Config.MaxBytes), in a folder for each day in UTC; every player of
// Matroska plays them from the card, also while they are recorded; those that are complete
// show their length, and players seek in them at once. They are written in blocks of two to
// four seconds that end with a checksum, each synced once. After a power cut everything up to the last whole block is there, however
// names and sizes in the file system look: at most one block is lost. What is known of
// clips is in a journal beside them; if that is destroyed, clips are found again from the
// files.
//
// Frames wait by reference in a queue of QueueBytes while the storage is slow, so that
// neither viewers nor the recording notice a card that stalls for some seconds. Beyond
// that whole GOPs are left out, and counted in Status.LostFrames and Clip.Missing. A pre-roll
// may be larger: the rest stays with the source until it is written.
//
// Run waits for storage that is missing, full, read-only, failing or stuck, shows it in
// Status, and goes on when it is back: an event that was told meanwhile keeps its ID, and on
// the same card its clip. On one that is full clips are listed, play and can be deleted, also
// when it was full at boot. A call of the kernel that never returns cannot be ended: Run
// then returns within ten seconds of its context's end and leaves that goroutine behind.
//
// When MaxBytes are used, or another program leaves too little room, or there is more to know
// of clips than MaxBytes allow, the oldest clips go: first those that are in the cloud with
// their pictures, then others, and protected ones (Recorder.Protect) only when nothing else
// is left, and if that makes room enough. The one being recorded stays. Each eviction is a
// Change.
//
// Files of newer firmware are left alone, and older firmware records beside them. So are files
// of somebody else's that have names like the recorder's, as content tells: but Erase removes
// them.
//
// # Upload
//
// With an Uploader each clip goes up fragment by fragment while it is recorded, then what
// could not: the newest clips first, at BacklogRate, yielding to a new event at the end of
// a fragment. A clip is in the cloud when the service has acknowledged each of its
// fragments as PERSISTED and that is on the storage (Uploaded); nothing is evicted as
// uploaded before. After a crash, a fragment whose acknowledgement was not on the storage
// yet is sent once more, with the same timestamps, so that it never plays twice.
//
// Of a range that was ingested at different times the service plays one part in a session
// (kvsmedia.Archive.Runs). Clip.Runs are those of a clip; Recorder.Receipt has all its
// fragments. What cannot be uploaded any more is named in Clip.Missing: the clip is
// Partial. What the card cannot read is tried again, for some minutes.
//
// # Pictures
//
// An event may have a picture, the JPEG that every image processor makes (Event.Picture). It
// lies beside the clip, as a file that every viewer of pictures shows, goes with it, and is
// read by Recorder.Picture. With Config.PutPicture it is put into the cloud too, whatever the
// network and the service do meanwhile: once, and under its key.
//
//	put, err := recorder.S3(cfg, "s3://pictures")
//	rec, err := recorder.New(recorder.Config{
//		…
//		PutPicture: put, PictureFolder: "front-door",
//	})
//	id, err := rec.Trigger(recorder.Event{Type: "doorbell", Picture: jpeg})
//
// The event is told at once, by ClipStarted, with the key that its picture will have
// (Event.PictureKey): a phone can be notified, and finds the picture a moment later.
// ClipPicture tells that it is there (PicturePut), or never will be and why (PictureError);
// all changes after that show the same. A backend hears of it from the bucket as well. No
// picture is in a Change itself.
//
// A picture stays in the bucket when its clip is deleted: a lifecycle rule of the bucket removes
// it.
//
// Where an event has no picture in the cloud, and clips are uploaded, the fragment of the
// stream in which it happens and the next one ask the service for images, with the event's ID
// as metadata (kvsmedia.EventTag): those of the pre-roll would show that nobody is there yet.
// The service makes them once the stream has been told of the bucket
// (kvsmedia.Streams.SetImageGeneration, with the URI s3://pictures and no more), and
// kvsmedia.NearestImage chooses the picture among them. Their keys begin with
// PictureFolder/image, which is to be set for them without PutPicture, too: they are put with
// the rights of the device, so that it may put what begins with PictureFolder and nothing
// else, and what may not be put is missing without a word. Of what goes to the cloud by
// WebRTC ingestion (see package camera) the service makes no images and sends no
// notifications: there the pictures are those that firmware hands over.
//
// # Handing on
//
// Config.Publish is called for each Change of a clip until it returns nil, also after a
// restart: a clip that has started, ended, been stored in the cloud, lost a part or been
// evicted, or whose event has its picture in the cloud. Recorder.Changes shows them to the
// same process. As JSON they have times in RFC 3339, and lengths as numbers of seconds whose
// names end in Seconds.
//
// Recorder.Open reads a clip's frames; Recorder.MP4 serves it to phones and browsers,
// which play no Matroska, with byte ranges:
//
//	f, err := rec.MP4(id)
//	…
//	defer f.Close()
//	http.ServeContent(w, r, "clip.mp4", time.Time{}, f)
package recorder

// Package clipapi shows a camera's clips to its owner: as HTTP routes ([Routes]), and as the
// bodies of the commands that viewers call over their data channel.
//
//	GET    /clips                 the clips, the newest first: Page. ?from= and ?to= (RFC 3339)
//	                              bound their time, ?limit= their number (50 by default, at most
//	                              500), ?before=ID goes on after the last one of a page
//	GET    /clips/{id}            one clip: recorder.Clip
//	GET    /clips/{id}/receipt    what is in the stream, fragment by fragment: Receipt
//	GET    /clips/{id}.mp4        fragmented MP4 with byte ranges, also of a clip that still grows
//	GET    /clips/{id}/picture    JPEG of its first event that has one, with ?event=ID of that
//	POST   /clips/{id}/protect    {"protected": true} keeps it from eviction, false no longer
//	DELETE /clips/{id}            removes it from the device; what is in the cloud stays there
//	POST   /events                {"type": "motion"}, a recorder.Event: answers {"clip": ID}.
//	                              A body that is image/jpeg is the event's picture, ?type= its
//	                              type, and ?id= its ID, if it has been told already. What is
//	                              wrong with the picture alone shows in the clip: pictureError
//
// Answers are JSON, times RFC 3339, lengths numbers of seconds (lengthSeconds), as in package
// recorder. An error is a line of plain text: 400 for a request that cannot be read, 404 for a
// clip or picture that there is not, 410 for media that are no longer on the device, 503 when
// eight films are being fetched already.
//
// The routes ask for no password, and do not look at Host and Origin: who serves them does.
package clipapi

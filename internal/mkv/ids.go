package mkv

// Element IDs with their marker bits, RFC 8794 section 11.2.4 and 11.3, RFC 9559
// section 5.1.
const (
	idEBML               = 0x1a45dfa3
	idEBMLVersion        = 0x4286
	idEBMLReadVersion    = 0x42f7
	idEBMLMaxIDLength    = 0x42f2
	idEBMLMaxSizeLength  = 0x42f3
	idDocType            = 0x4282
	idDocTypeVersion     = 0x4287
	idDocTypeReadVersion = 0x4285
	idVoid               = 0xec
	idCRC32              = 0xbf

	idSegment     = 0x18538067
	idSeekHead    = 0x114d9b74
	idInfo        = 0x1549a966
	idTracks      = 0x1654ae6b
	idCluster     = 0x1f43b675
	idCues        = 0x1c53bb6b
	idAttachments = 0x1941a469
	idChapters    = 0x1043a770
	idTags        = 0x1254c367

	idSegmentUUID    = 0x73a4
	idTimestampScale = 0x2ad7b1
	idDuration       = 0x4489
	idDateUTC        = 0x4461
	idTitle          = 0x7ba9
	idMuxingApp      = 0x4d80
	idWritingApp     = 0x5741

	idTrackEntry      = 0xae
	idTrackNumber     = 0xd7
	idTrackUID        = 0x73c5
	idTrackType       = 0x83
	idDefaultDuration = 0x23e383
	idName            = 0x536e
	idLanguage        = 0x22b59c
	idCodecID         = 0x86
	idCodecPrivate    = 0x63a2
	idCodecDelay      = 0x56aa
	idSeekPreRoll     = 0x56bb

	idVideo       = 0xe0
	idPixelWidth  = 0xb0
	idPixelHeight = 0xba

	idAudio             = 0xe1
	idSamplingFrequency = 0xb5
	idChannels          = 0x9f
	idBitDepth          = 0x6264

	idContentEncodings    = 0x6d80
	idContentEncoding     = 0x6240
	idContentEncodingType = 0x5033
	idContentCompression  = 0x5034
	idContentCompAlgo     = 0x4254
	idContentCompSettings = 0x4255

	idTimestamp      = 0xe7
	idPosition       = 0xa7
	idSimpleBlock    = 0xa3
	idBlockGroup     = 0xa0
	idBlock          = 0xa1
	idBlockDuration  = 0x9b
	idReferenceBlock = 0xfb

	idSeek         = 0x4dbb
	idSeekID       = 0x53ab
	idSeekPosition = 0x53ac

	idCuePoint           = 0xbb
	idCueTime            = 0xb3
	idCueTrackPositions  = 0xb7
	idCueTrack           = 0xf7
	idCueClusterPosition = 0xf1

	idTag       = 0x7373
	idTargets   = 0x63c0
	idTagTrack  = 0x63c5
	idSimpleTag = 0x67c8
	idTagName   = 0x45a3
	idTagString = 0x4487
	idTagBinary = 0x4485
)

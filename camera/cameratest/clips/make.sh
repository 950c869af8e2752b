#!/bin/sh
# Makes the clips of this package: draws the street of scene.awk with ffmpeg's
# ass filter, by day and as an infrared camera sees it by night, makes up its
# sounds, and encodes them. Everything repeats after 20 seconds exactly: 300
# pictures, 1000 Opus packets of 20 ms, 625 AAC frames of 1024 samples at 32 kHz.
#
# The front door's film is drawn by internal/testing/scenes.
#
# Needs Go, awk, the font DejaVu Sans Mono, and ffmpeg with libass, libx264, libx265
# and libopus. Other versions of these write other bytes; run the tests after.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ff() { ffmpeg -nostdin -v error -y "$@"; }
mux="-fflags +bitexact -flags +bitexact -map_metadata -1 -write_crc32 0 -f matroska"

# The picture, lossless, drawn at twice the size for smooth edges.
look() { # name, night, colours of the sky, filter
	awk -v night="$2" -f scene.awk >"$tmp/$1.ass"
	ff -f lavfi -i "gradients=s=1280x720:n=2:$3:x0=640:y0=0:x1=640:y1=470:d=1:speed=0.00001" -frames:v 1 "$tmp/$1.png"
	ff -loop 1 -framerate 15 -i "$tmp/$1.png" -vf "ass=$tmp/$1.ass,scale=640:360:flags=area,$4" \
		-t 20 -c:v ffv1 -pix_fmt yuv420p "$tmp/$1.mkv"
}
look day 0 c0=0x5da4e6:c1=0xf7e6c4 null
look night 1 c0=0x252d31:c1=0x66707a \
	"format=gbrp,hue=s=0,curves=all='0/0 0.25/0.11 0.5/0.29 0.75/0.55 1/1',colorchannelmixer=rr=0.72:gg=1:bb=0.78,vignette=PI/4.6"

# H.264 constrained baseline: no B frames, a key frame each 2 s, stitchable so
# that the parameter sets are the same for both looks; without x264's SEI.
h264="-an -threads 1 -c:v libx264 -profile:v baseline -preset veryslow -tune animation -pix_fmt yuv420p
	-x264-params keyint=30:min-keyint=30:scenecut=0:bframes=0:ref=2:stitchable=1
	-bsf:v filter_units=remove_types=6"
ff -i "$tmp/day.mkv" $h264 -level 3.0 -crf 23 -maxrate 600k -bufsize 600k $mux day.mkv
ff -i "$tmp/night.mkv" $h264 -level 3.0 -crf 23 -maxrate 600k -bufsize 600k $mux night.mkv
ff -i "$tmp/day.mkv" -vf scale=320:180 $h264 -level 1.3 -b:v 100k -maxrate 160k -bufsize 160k $mux sub.mkv

# H.265 Main: 2 s.
ff -ss 5 -t 2 -i "$tmp/day.mkv" -vf scale=320:180 -an -c:v libx265 -preset slow -crf 27 -pix_fmt yuv420p \
	-x265-params keyint=15:min-keyint=15:scenecut=0:bframes=0:open-gop=0:info=0:log-level=none $mux hevc.mkv

# The front door: a lamp, a visitor, and a JPEG of each second; by night as well.
porch() { # name, options
	go run ../../../internal/testing/scenes/porch -snapshots "$1.jpegs" $2 |
		ff -f rawvideo -pix_fmt yuv420p -s 640x360 -r 15 -i pipe:0 $h264 -level 3.0 -crf 30 $mux "$1.mkv"
}
porch porch ""
porch porch-night -night

# Wind that comes and goes, birds, and a clock's tick each second.
chirp() { # start, length, from Hz, to Hz
	echo "+0.06*between(t,$1,$1+$2)*pow(sin(PI*(t-$1)/$2),2)*sin(2*PI*($3*(t-$1)+($4-$3)/2/$2*pow(t-$1,2)))"
}
birds=0
for at in 1.35 1.55 1.75 6.3 6.48 11.6 11.8 12.0 12.2 17.4 17.55; do birds="$birds$(chirp $at 0.13 2600 4300)"; done
for at in 3.6 8.7 14.3; do birds="$birds$(chirp $at 0.32 3900 2500)$(chirp $at+0.4 0.2 2300 3300)"; done
tick="0.05*exp(-70*mod(t,1))*sin(2*PI*1250*mod(t,1))"
ff -f lavfi -i "anoisesrc=c=pink:r=48000:a=0.5:seed=7:d=20,lowpass=f=420,aeval=val(0)*(0.03+0.09*(1-cos(2*PI*t/10)))" \
	-f lavfi -i "aevalsrc='$birds+$tick':s=48000:d=20" \
	-filter_complex "[0][1]amix=inputs=2:normalize=0" -c:a pcm_s16le "$tmp/street.wav"

# Encoded three times in a row, of which the middle is taken: encoders then have
# the same past at both ends of the loop.
opus="-ac 1 -c:a libopus -b:a 24k -vbr on -application audio -frame_duration 20"
ff -stream_loop 2 -i "$tmp/street.wav" $opus $mux "$tmp/opus.mkv"
ff -stream_loop 2 -i "$tmp/street.wav" -ac 1 -ar 32000 -c:a aac -b:a 32k $mux "$tmp/aac.mkv"
ff -ss 20 -t 20 -i "$tmp/opus.mkv" -ss 20 -t 20 -i "$tmp/aac.mkv" -map 0 -map 1 -c copy -frames:a:1 625 $mux street.mka

# A door bell: ding, dong.
bell() { echo "0.28*gte(t,$1)*exp(-4*(t-$1))*(sin(2*PI*$2*(t-$1))+0.35*sin(4*PI*$2*(t-$1))*exp(-3*(t-$1))+0.2*sin(2*PI*2.76*$2*(t-$1))*exp(-8*(t-$1)))"; }
ff -f lavfi -i "aevalsrc='$(bell 0.02 659.26)+$(bell 0.52 523.25)':s=48000:d=1.49" -af "afade=out:st=1.3:d=0.19" \
	-ac 1 -c:a libopus -b:a 32k -vbr on -application audio -frame_duration 20 $mux chime.mka

# Writes the moving picture of the clips as an ASS subtitle script, which
# ffmpeg's ass filter draws: a street seen from a front door, on a canvas of
# 1280 x 720, that repeats every 20 seconds.
#
#   awk -v night=0 -f scene.awk > scene.ass

function rgb(hex) { return substr(hex, 5, 2) substr(hex, 3, 2) substr(hex, 1, 2) } # ASS has BGR
function cs(t,  c) { c = int(t * 100 + 1e-6); return sprintf("0:%02d:%02d.%02d", c / 6000, c / 100 % 60, c % 100) }

# draw emits a path in colour from begin to end; alpha is 00 (opaque) to FF.
function draw(path, colour, alpha, extra) {
	printf "Dialogue: %d,%s,%s,P,,0,0,0,,{\\an7\\pos(0,0)\\1c&H%s&\\1a&H%s&%s\\p1}%s{\\p0}\n", \
		layer, cs(begin), cs(end), rgb(colour), alpha == "" ? "00" : alpha, extra, path
}
function rect(x, y, w, h, colour, alpha) {
	draw(sprintf("m %d %d l %d %d %d %d %d %d", x, y, x + w, y, x + w, y + h, x, y + h), colour, alpha)
}
function round(x, y, w, h, r, colour, alpha,  k) {
	k = r * .45
	draw(sprintf("m %.1f %.1f l %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f l %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f l %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f l %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f", \
		x + r, y, x + w - r, y, x + w - k, y, x + w, y + k, x + w, y + r, \
		x + w, y + h - r, x + w, y + h - k, x + w - k, y + h, x + w - r, y + h, \
		x + r, y + h, x + k, y + h, x, y + h - k, x, y + h - r, \
		x, y + r, x, y + k, x + k, y, x + r, y), colour, alpha)
}
function ellipse(x, y, rx, ry, colour, alpha, extra,  kx, ky) {
	kx = rx * .5523; ky = ry * .5523
	draw(sprintf("m %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f", \
		x - rx, y, x - rx, y - ky, x - kx, y - ry, x, y - ry, x + kx, y - ry, x + rx, y - ky, x + rx, y, \
		x + rx, y + ky, x + kx, y + ry, x, y + ry, x - kx, y + ry, x - rx, y + ky, x - rx, y), colour, alpha, extra)
}
# limb draws a thick line.
function limb(x1, y1, x2, y2, w, colour,  dx, dy, l) {
	dx = x2 - x1; dy = y2 - y1; l = sqrt(dx * dx + dy * dy); dx *= w / 2 / l; dy *= w / 2 / l
	draw(sprintf("m %.1f %.1f l %.1f %.1f %.1f %.1f %.1f %.1f", x1 - dy, y1 + dx, x1 + dy, y1 - dx, x2 + dy, y2 - dx, x2 - dy, y2 + dx), colour)
	ellipse(x1, y1, w / 2, w / 2, colour); ellipse(x2, y2, w / 2, w / 2, colour)
}
function lit(colour) { return night ? "fff2c8" : colour } # a window with light behind it

function window(x, y, w, h, glass) {
	rect(x - 5, y - 5, w + 10, h + 10, "f7f3ea"); rect(x, y, w, h, glass)
	rect(x + w / 2 - 2, y, 4, h, "f7f3ea"); rect(x, y + h / 2 - 2, w, 4, "f7f3ea")
	rect(x - 10, y + h + 5, w + 20, 7, "d8d2c4")
}
function house(x, y, w, wall, roof, door,  mid) {
	mid = x + w / 2
	rect(mid + w / 5, y - 104, 30, 70, "8d5a4a"); rect(mid + w / 5 - 5, y - 110, 40, 12, "6f4438")
	rect(x, y, w, 505 - y, wall)
	rect(x, 488, w, 17, "a79f92")
	draw(sprintf("m %d %d l %d %d %d %d", x - 22, y + 4, mid, y - 112, x + w + 22, y + 4), roof)
	ellipse(mid, y - 40, 19, 19, "f7f3ea"); ellipse(mid, y - 40, 13, 13, "7fa6bf")
	window(x + w * .10, y + 16, 54, 46, door == 1 ? lit("8fb7cf") : "8fb7cf")
	window(x + w * .90 - 54, y + 16, 54, 46, door == 2 ? lit("9cc3d8") : "9cc3d8")
	rect(mid - 36, 388, 72, 117, "f7f3ea"); rect(mid - 29, 395, 58, 110, door == 1 ? "2f6f62" : door == 2 ? "a63d40" : "34506b")
	rect(mid - 19, 405, 38, 30, lit("b9d7e4")); ellipse(mid + 19, 456, 4, 4, "f1c75b")
	rect(mid - 46, 499, 92, 8, "c9c2b4")
	window(x + w * .10, 406, 54, 56, "8fb7cf"); window(x + w * .90 - 54, 406, 54, 56, door == 2 ? lit("8fb7cf") : "8fb7cf")
}
function tree(x, y, size, sway) {
	draw(sprintf("m %.1f %.1f l %.1f %.1f %.1f %.1f %.1f %.1f", x - 9 * size, y, x - 5 * size + sway / 2, y - 110 * size, x + 5 * size + sway / 2, y - 110 * size, x + 9 * size, y), "6b4a35")
	ellipse(x + sway, y - 150 * size, 62 * size, 66 * size, "3f7d46")
	ellipse(x - 34 * size + sway, y - 118 * size, 44 * size, 40 * size, "488a4d")
	ellipse(x + 36 * size + sway, y - 120 * size, 44 * size, 42 * size, "3a7342")
	ellipse(x - 12 * size + sway * 1.2, y - 172 * size, 36 * size, 34 * size, "5da05c")
}
function cloud(x, y, s,  c) {
	c = night ? "7b838a" : "ffffff"
	ellipse(x, y, 95 * s, 26 * s, c, "18"); ellipse(x - 42 * s, y - 16 * s, 44 * s, 30 * s, c, "18")
	ellipse(x + 14 * s, y - 32 * s, 52 * s, 40 * s, c, "10"); ellipse(x + 58 * s, y - 10 * s, 36 * s, 24 * s, c, "18")
}
function wheel(x, y, r, turn,  i) {
	ellipse(x, y, r, r, "23252b"); ellipse(x, y, r * .6, r * .6, "c9ced6")
	for (i = 0; i < 5; i++) limb(x, y, x + cos(turn + i * 1.2566) * r * .52, y + sin(turn + i * 1.2566) * r * .52, r * .16, "7c828c")
	ellipse(x, y, r * .2, r * .2, "23252b")
}
# car draws a car whose middle is at x, wheels at y, driving in direction d.
function car(x, y, s, d, body, dark, turn,  w) {
	w = 150 * s
	ellipse(x, y + 25 * s, w * 1.02, 9 * s, "000000", "90")
	if (night) {
		draw(sprintf("m %.1f %.1f l %.1f %.1f %.1f %.1f", x + d * w, y - 24 * s, x + d * (w + 330 * s), y - 50 * s, x + d * (w + 330 * s), y + 45 * s), "fffbe0", "80", "\\blur16")
	}
	draw(sprintf("m %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f l %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f", \
		x - d * 95 * s, y - 38 * s, x - d * 78 * s, y - 92 * s, x - d * 62 * s, y - 96 * s, x - d * 30 * s, y - 98 * s, \
		x + d * 18 * s, y - 98 * s, x + d * 52 * s, y - 94 * s, x + d * 66 * s, y - 66 * s, x + d * 92 * s, y - 38 * s), dark)
	draw(sprintf("m %.1f %.1f l %.1f %.1f %.1f %.1f %.1f %.1f", x - d * 80 * s, y - 44 * s, x - d * 62 * s, y - 84 * s, x - d * 12 * s, y - 88 * s, x - d * 12 * s, y - 44 * s), "bfdcea")
	draw(sprintf("m %.1f %.1f l %.1f %.1f %.1f %.1f %.1f %.1f", x - d * 3 * s, y - 44 * s, x - d * 3 * s, y - 88 * s, x + d * 34 * s, y - 84 * s, x + d * 72 * s, y - 44 * s), "cfe7f1")
	round(x - w, y - 46 * s, 2 * w, 56 * s, 20 * s, body)
	rect(x - w + 6 * s, y - 6 * s, 2 * w - 12 * s, 8 * s, dark)
	rect(x - d * 2 * s - 1, y - 42 * s, 3 * s, 40 * s, dark)
	round(x - d * 22 * s - 10 * s, y - 30 * s, 20 * s, 5 * s, 2 * s, dark)
	ellipse(x + d * (w - 12 * s), y - 26 * s, 11 * s, 9 * s, night ? "ffffff" : "fff3c4")
	rect(x - d * (w - 7 * s) - 6 * s, y - 34 * s, 12 * s, 16 * s, "c8202c")
	wheel(x - 88 * s, y, 27 * s, turn); wheel(x + 88 * s, y, 27 * s, turn)
}
# person draws somebody who walks to the right; step is the phase of the walk,
# and wave raises the arm.
function person(x, y, step, wave, parcel,  a, bob, hip) {
	a = sin(step); bob = -3 * sin(step) * sin(step); hip = y - 62 + bob
	ellipse(x, y + 3, 38, 7, "000000", "A0")
	limb(x, hip, x - 24 * a, y - 30, 15, "26344d"); limb(x - 24 * a, y - 30, x - 34 * a - 5, y - 5, 13, "26344d")
	limb(x - 38 * a - 4, y - 2, x - 38 * a + 11, y - 2, 9, "1b1b1f")
	limb(x, hip, x + 24 * a, y - 30, 15, "30405c"); limb(x + 24 * a, y - 30, x + 28 * a - 5, y - 5, 13, "30405c")
	limb(x + 28 * a - 4, y - 2, x + 28 * a + 11, y - 2, 9, "1b1b1f")
	round(x - 21, hip - 76, 42, 84, 16, night ? "efe9d4" : "e0a526")
	rect(x - 21, hip - 34, 42, 7, night ? "ffffff" : "f6efe0")
	ellipse(x + 2, hip - 98, 20, 22, "e6b48f")
	draw(sprintf("m %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f l %.1f %.1f %.1f %.1f", x - 20, hip - 102, x - 20, hip - 128, x + 22, hip - 128, x + 22, hip - 104, x + 36, hip - 102, x - 20, hip - 100), "3b4f8f")
	if (parcel) { round(x + 8, hip - 52, 50, 38, 3, "b98350"); rect(x + 28, hip - 52, 9, 38, "e7d2a8") }
	if (wave > 0) { limb(x - 4, hip - 60, x + 26, hip - 78 - 10 * wave, 14, "c98f1c"); limb(x + 26, hip - 78 - 10 * wave, x + 34 + 9 * sin(step * 2.5 + now * 12), hip - 110 - 20 * wave, 11, "e6b48f") }
	else if (parcel) { limb(x - 2, hip - 58, x + 10, hip - 26, 14, "c98f1c"); limb(x + 10, hip - 26, x + 34, hip - 20, 11, "e6b48f") }
	else { limb(x, hip - 60, x - 16 * a, hip - 30, 14, "c98f1c"); limb(x - 16 * a, hip - 30, x - 16 * a + 12, hip - 8, 11, "e6b48f") }
}
function bird(x, y, flap) {
	draw(sprintf("m %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f b %.1f %.1f %.1f %.1f %.1f %.1f", \
		x - 22, y - 12 * flap, x - 14, y - 16 * flap, x - 5, y - 6 * flap, x, y, x + 5, y - 6 * flap, x + 14, y - 16 * flap, x + 22, y - 12 * flap, \
		x + 14, y - 10 * flap, x + 6, y, x, y + 6, x - 6, y, x - 14, y - 10 * flap, x - 22, y - 12 * flap), "2f3b46")
}
function text(x, y, size, colour, s, extra) {
	printf "Dialogue: %d,%s,%s,P,,0,0,0,,{\\an4\\pos(%d,%d)\\fs%d\\1c&H%s&%s}%s\n", layer, cs(begin), cs(end), x, y, size, rgb(colour), extra, s
}

BEGIN {
	fps = 15; length_ = 20; pi = 3.14159265
	print "[Script Info]\nScriptType: v4.00+\nPlayResX: 1280\nPlayResY: 720\nScaledBorderAndShadow: yes\n"
	print "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
	print "Style: P,DejaVu Sans Mono,40,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,-1,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1\n"
	print "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"

	# What stands still.
	begin = 0; end = length_ + 1; layer = 0
	if (!night) { ellipse(1060, 118, 86, 86, "fff6d0", "90", "\\blur30"); ellipse(1060, 118, 46, 46, "fff1b8") }
	else { ellipse(1060, 118, 60, 60, "ffffff", "B0", "\\blur24"); ellipse(1060, 118, 34, 34, "ffffff") }
	layer = 2
	draw("m 0 420 b 160 330 330 340 480 390 b 640 330 820 320 980 380 b 1100 340 1220 350 1280 380 l 1280 520 0 520", "8fb39a")
	draw("m 0 450 b 200 400 380 410 560 440 b 760 400 1000 400 1280 440 l 1280 520 0 520", "79a382")
	layer = 3
	house(60, 322, 300, "e9d3ae", "a5523e", 1); house(486, 300, 318, "c9d6d8", "4f5b6b", 2); house(930, 318, 300, "d99a7c", "6f4a3e", 3)
	layer = 5
	rect(0, 505, 1280, 24, "c3beb4"); rect(0, 526, 1280, 6, "99948b")
	rect(0, 532, 1280, 112, "5a5e66"); rect(0, 532, 1280, 5, "4b4f56")
	for (i = 0; i < 9; i++) rect(20 + i * 150, 584, 84, 7, "e9e4d2")
	rect(0, 641, 1280, 7, "a8a297"); rect(0, 647, 1280, 34, "cfc9bd")
	for (i = 0; i < 9; i++) rect(60 + i * 150, 647, 3, 34, "b5afa3")
	layer = 8
	rect(0, 681, 1280, 39, "5f9a52"); rect(0, 678, 1280, 6, "4f8746")
	for (i = 0; i < 27; i++) draw(sprintf("m %d 684 l %d 668 %d 684", i * 48 + 4, i * 48 + 9 + i % 3 * 3, i * 48 + 16), "5f9a52")
	draw("m 560 720 l 590 681 690 681 720 720", "d9d0bf")
	layer = 9 # a lamp, a letter box, flowers
	rect(872, 420, 9, 262, "39414a"); round(862, 668, 29, 14, 4, "39414a"); round(852, 396, 49, 26, 8, "39414a"); round(859, 402, 35, 15, 5, night ? "ffffff" : "f3ecd0")
	if (night) ellipse(876, 412, 110, 90, "fffbe0", "C0", "\\blur40")
	rect(464, 640, 10, 66, "6b4a35"); round(440, 606, 58, 42, 12, "b4343a"); rect(450, 622, 38, 6, "7d1f26"); rect(496, 600, 5, 22, "f1c75b"); rect(496, 600, 17, 10, "f1c75b")
	for (i = 0; i < 14; i++) { x = 30 + i * 29; if (i > 6) x += 620; rect(x + 3, 690, 3, 14, "3f7d46"); ellipse(x + 4, 690 - i % 3 * 5, 8, 8, i % 3 == 0 ? "f2d64b" : i % 3 == 1 ? "e86a6a" : "f4f0ff"); ellipse(x + 4, 690 - i % 3 * 5, 3, 3, "8a5a1c") }

	# What moves, frame by frame; every motion is back where it began at the end.
	for (n = 0; n < fps * length_; n++) {
		now = n / fps; begin = now; end = (n + 1) / fps
		layer = 1
		for (i = -1; i < 3; i++) { cloud(i * 640 + 640 * now / length_, 96, .9); cloud(i * 640 + 330 + 640 * now / length_, 178, .62) }
		layer = 2
		for (i = 0; i < 3; i++) if (!night) bird(-80 - i * 60 + (now - 2) * 150, 205 - i * 22 + 16 * sin(now * 1.7 + i), sin(now * 11 + i))
		layer = 4
		tree(424, 508, .92, 4 * sin(2 * pi * now / 5)); tree(866, 508, .8, 4 * sin(2 * pi * now / 4 + 1)); tree(1262, 508, 1, 5 * sin(2 * pi * now / 5 + 2)); tree(14, 508, .86, 4 * sin(2 * pi * now / 4 + 3))
		layer = 6 # far lane to the left, near lane to the right
		if (now > 11) { x = 1500 - (now - 11) * 230; car(x, 562, .74, -1, "3b76b5", "28527f", -x / 20) }
		layer = 7
		if (now > 2.5 && now < 10) { x = -260 + (now - 2.5) * 265; car(x, 616, 1, 1, "d2453e", "8f2b27", x / 27) }
		layer = 10 # comes with a parcel, rings, waves and goes on without it
		if (now < 8) person(-60 + now * 84, 700, now * 8, 0, 1)
		else if (now < 12) person(612, 700, 0, now > 9 ? (now < 9.5 ? (now - 9) * 2 : 1) : 0, now < 9)
		else person(612 + (now - 12) * 96, 700, (now - 12) * 8.5, 0, 0)
		if (now >= 9) { round(626, 676, 50, 38, 3, "b98350"); rect(646, 676, 9, 38, "e7d2a8") }
		layer = 20
		round(24, 22, 512, 58, 12, "10141a", "70")
		text(48, 51, 40, "ffffff", sprintf("%s %02d:%02d:%02d.%d", "2026-05-14", night ? 22 : 10, 24, int(now), int(now * 10) % 10))
		text(500, 50, 30, int(now * 2) % 2 ? "ff5a52" : "7a2c2a", "●")
	}
}

package main

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// clipCard is the picture of one clip: its spectrogram, time to the right and
// pitch upwards, its class above and the model's answer below. The text is part
// of the picture, so that every viewer shows it.
type clipCard struct {
	bands, frames int
	decibels      []float32 // [bands, frames], the lowest band first
	class, answer string
	right         bool // whether the answer is the class
}

const (
	cardScale  = 2  // pixels of a band and of a frame
	cardMargin = 10 // around the spectrogram
	cardLine   = 30 // height of a line of text
)

var (
	cardPaper = color.RGBA{0x16, 0x16, 0x22, 0xff}
	cardInk   = color.RGBA{0xf2, 0xf2, 0xf7, 0xff}
	cardRight = color.RGBA{0x69, 0xdb, 0x7c, 0xff}
	cardWrong = color.RGBA{0xff, 0x92, 0x8a, 0xff}
)

func (c *clipCard) draw() (image.Image, error) {
	w, h := c.frames*cardScale, c.bands*cardScale
	img := image.NewRGBA(image.Rect(0, 0, w+2*cardMargin, h+2*cardLine+cardMargin))
	draw.Draw(img, img.Bounds(), image.NewUniform(cardPaper), image.Point{}, draw.Src)
	c.spectrogram(img, image.Pt(cardMargin, cardLine))
	if err := write(img, gobold.TTF, cardInk, cardMargin, cardLine-9, c.class); err != nil {
		return nil, err
	}
	ink := cardWrong
	if c.right {
		ink = cardRight
	}
	return img, write(img, goregular.TTF, ink, cardMargin, cardLine+h+21, c.answer)
}

// spectrogram draws from the loudest value down as far as the front end keeps
// sounds apart.
func (c *clipCard) spectrogram(img *image.RGBA, at image.Point) {
	low, high := c.decibels[0], c.decibels[0]
	for _, v := range c.decibels {
		low, high = min(low, v), max(high, v)
	}
	low = max(low, high-80) // dB
	for band := range c.bands {
		y := at.Y + (c.bands-1-band)*cardScale
		for frame := range c.frames {
			v := float64(0)
			if high > low {
				v = float64((max(low, c.decibels[band*c.frames+frame]) - low) / (high - low))
			}
			x := at.X + frame*cardScale
			draw.Draw(img, image.Rect(x, y, x+cardScale, y+cardScale), image.NewUniform(heat(v)), image.Point{}, draw.Src)
		}
	}
}

// heats are colours of the map magma (CC0, by Smith and van der Walt) at equal
// distances: equal steps of loudness look equally large.
var heats = [...]color.RGBA{
	{0x00, 0x00, 0x04, 0xff}, {0x1c, 0x10, 0x44, 0xff}, {0x4f, 0x12, 0x7b, 0xff}, {0x81, 0x25, 0x81, 0xff}, {0xb5, 0x36, 0x7a, 0xff},
	{0xe5, 0x50, 0x64, 0xff}, {0xfb, 0x87, 0x61, 0xff}, {0xfe, 0xc2, 0x87, 0xff}, {0xfc, 0xfd, 0xbf, 0xff},
}

// heat is the colour of a value from 0 to 1.
func heat(v float64) color.RGBA {
	at := v * float64(len(heats)-1)
	i := min(int(at), len(heats)-2)
	part := int(256 * (at - float64(i)))
	mix := func(a, b uint8) uint8 { return uint8((int(a)*(256-part) + int(b)*part) / 256) }
	a, b := heats[i], heats[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// write draws a line of text that begins at x on the base line y.
func write(img draw.Image, ttf []byte, ink color.Color, x, y int, text string) error {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		return err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 17, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	defer face.Close()
	d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(x, y)}
	d.DrawString(text)
	return nil
}

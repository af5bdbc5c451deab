package live

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path"
	"slices"
)

// imageSuffixes are those that DVCLive takes.
var imageSuffixes = []string{".jpg", ".jpeg", ".gif", ".png"}

// LogImage logs an image: plots/images/NAME, in the format that the name's
// suffix names: .png, .jpg, .jpeg or .gif. A name used again replaces the
// image; names such as samples/12.png, with the step, make a series that
// viewers show with a slider.
func (l *Logger) LogImage(name string, img image.Image) error {
	encode, err := imageEncoder(name)
	if err != nil {
		return err
	}
	file, err := localFile(name)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if l.classic != nil && l.opts.Exact {
		return fmt.Errorf("image %s: %w: the classic layout had no images", name, ErrOption)
	}
	var buf bytes.Buffer
	if err := encode(&buf, img); err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	if err := l.touch(); err != nil {
		return err
	}
	// touch has locked it.
	defer l.io.Unlock()
	l.files.content.images = true
	l.sinkImage(name, img, buf.Bytes())
	return l.writeFile("plots/images/"+file, buf.Bytes())
}

// LogImageFile logs the image in a file. Decoded and encoded anew, it may
// change its format: the name's suffix decides. A name without a suffix takes
// the file's.
func (l *Logger) LogImageFile(name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if suffix := pathSuffix(file); pathSuffix(name) == "" && slices.Contains(imageSuffixes, suffix) {
		name += suffix
	}
	return l.LogImage(name, img)
}

// LogPixels logs an image from its pixels, row by row: []uint8, []uint16 or
// []bool for shape (height, width), []uint8 for (height, width, 3) RGB and
// (height, width, 4) RGBA with alpha not premultiplied.
func (l *Logger) LogPixels(name string, pixels any, shape ...int) error {
	if _, err := imageEncoder(name); err != nil {
		return err
	}
	img, err := pixelImage(pixels, shape)
	if err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	return l.LogImage(name, img)
}

// pixelImage checks the shape against the length before it makes an image of it.
func pixelImage(pixels any, shape []int) (image.Image, error) {
	bad := fmt.Errorf("%w %T of shape %v: see LogPixels for the shapes", ErrType, pixels, shape)
	if len(shape) < 2 || len(shape) > 3 {
		return nil, bad
	}
	n := 1
	// Sides up to 65536: the product of three of them fits an int of 64 bits.
	for _, d := range shape {
		if d <= 0 || d > 1<<16 {
			return nil, bad
		}
		n *= d
	}
	rect := image.Rect(0, 0, shape[1], shape[0])
	switch p := pixels.(type) {
	case []uint8:
		if len(p) == n {
			return bytePixels(p, rect, shape, bad)
		}
	case []uint16:
		if len(p) == n && len(shape) == 2 {
			img := image.NewGray16(rect)
			for i, v := range p {
				img.Pix[2*i], img.Pix[2*i+1] = byte(v>>8), byte(v)
			}
			return img, nil
		}
	case []bool:
		if len(p) == n && len(shape) == 2 {
			img := image.NewPaletted(rect, color.Palette{color.Black, color.White})
			for i, v := range p {
				if v {
					img.Pix[i] = 1
				}
			}
			return img, nil
		}
	}
	return nil, bad
}

// bytePixels copies the pixels, as the caller may change them; bad is the error of
// a third dimension that is neither 3 nor 4.
func bytePixels(p []uint8, rect image.Rectangle, shape []int, bad error) (image.Image, error) {
	if len(shape) == 2 {
		return &image.Gray{Pix: slices.Clone(p), Stride: rect.Dx(), Rect: rect}, nil
	}
	img := image.NewNRGBA(rect)
	switch shape[2] {
	case 3:
		for i := range len(p) / 3 {
			copy(img.Pix[4*i:], p[3*i:3*i+3])
			img.Pix[4*i+3] = 0xff
		}
	case 4:
		copy(img.Pix, p)
	default:
		return nil, bad
	}
	return img, nil
}

// imageEncoder returns the encoder that the suffix of a name asks for.
func imageEncoder(name string) (func(*bytes.Buffer, image.Image) error, error) {
	switch pathSuffix(name) {
	case ".png":
		return func(w *bytes.Buffer, img image.Image) error { return png.Encode(w, img) }, nil
	case ".jpg", ".jpeg":
		return func(w *bytes.Buffer, img image.Image) error { return jpeg.Encode(w, img, nil) }, nil
	case ".gif":
		return encodeGIF, nil
	}
	return nil, fmt.Errorf("%w: image %q: the name has to end in .png, .jpg, .jpeg or .gif", ErrName, name)
}

// encodeGIF keeps the colours of an image that has at most 256 of them.
func encodeGIF(w *bytes.Buffer, img image.Image) error {
	seen := make(map[color.RGBA]bool)
	var colours color.Palette
	b := img.Bounds()
	// The search ends with the line in which the 257th colour is found.
	for y := b.Min.Y; y < b.Max.Y && len(colours) <= 256; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA); !seen[c] {
				seen[c] = true
				colours = append(colours, c)
			}
		}
	}
	if len(colours) > 256 {
		return gif.Encode(w, img, &gif.Options{NumColors: 256, Drawer: draw.FloydSteinberg, Quantizer: plan9{}})
	}
	p := image.NewPaletted(b, colours)
	draw.Draw(p, b, img, b.Min, draw.Src)
	return gif.Encode(w, p, nil)
}

// plan9 is a quantizer that gives every image the same palette.
type plan9 struct{}

func (plan9) Quantize(p color.Palette, _ image.Image) color.Palette {
	return append(p, palette.Plan9...)
}

// pathSuffix is the suffix of the last element as Python's pathlib sees it: a
// leading dot doesn't begin one, and a trailing one doesn't either.
func pathSuffix(name string) string {
	base := path.Base(name)
	suffix := path.Ext(base)
	if suffix == base || suffix == "." {
		return ""
	}
	return suffix
}

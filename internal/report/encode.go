package report

import (
	"bufio"
	"encoding/base64"
	"math"
	"mime"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// encoder writes the data of a page as JSON that can stand inside a script
// element: no character of it means anything to HTML.
type encoder struct {
	w   *bufio.Writer
	buf []byte
}

func (e *encoder) raw(s string) { e.w.WriteString(s) }

// text writes a string; besides Python's escapes for everything that is not
// ASCII, < > & are escaped.
func (e *encoder) text(s string) {
	e.buf = pyjson.AppendString(e.buf[:0], s, true)
	for _, c := range e.buf {
		switch c {
		case '<':
			e.w.WriteString(`\u003c`)
		case '>':
			e.w.WriteString(`\u003e`)
		case '&':
			e.w.WriteString(`\u0026`)
		default:
			e.w.WriteByte(c)
		}
	}
}

func (e *encoder) integer(n int64) {
	e.buf = strconv.AppendInt(e.buf[:0], n, 10)
	e.w.Write(e.buf)
}

// number writes a value with the digits that anybody reads; what is not finite
// is null.
func (e *encoder) number(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.raw("null")
		return
	}
	e.buf = strconv.AppendFloat(e.buf[:0], v, 'g', 9, 64)
	e.w.Write(e.buf)
}

// list writes the parts that each makes, between brackets.
func (e *encoder) list(n int, each func(i int)) {
	e.raw("[")
	for i := range n {
		if i > 0 {
			e.raw(",")
		}
		each(i)
	}
	e.raw("]")
}

func (e *encoder) page(p *Page) {
	e.raw(`{"title":`)
	e.text(p.Title)
	e.raw(`,"step":`)
	e.integer(int64(p.Step))
	e.raw(`,"updated":`)
	if p.Updated.IsZero() {
		e.raw("0")
	} else {
		e.integer(p.Updated.UnixMilli())
	}
	e.raw(`,"reload":`)
	e.integer(p.Reload.Milliseconds())
	e.raw(",\n\"params\":")
	e.pairs(p.Params)
	e.raw(",\n\"summary\":")
	e.pairs(p.Summary)
	e.raw(",\n\"curves\":")
	e.list(len(p.Curves), func(i int) { e.curve(&p.Curves[i]) })
	e.raw(",\n\"images\":")
	e.images(p.Images)
	e.raw(",\n\"plots\":")
	e.list(len(p.Plots), func(i int) { e.plot(&p.Plots[i]) })
	e.raw(",\n\"tables\":")
	e.list(len(p.Tables), func(i int) { e.table(&p.Tables[i]) })
	e.raw("}")
}

// pairs writes the leaves of a mapping under their dotted names.
func (e *encoder) pairs(m *pyjson.Map) {
	var flat [][2]string
	var walk func(prefix string, m *pyjson.Map, depth int)
	walk = func(prefix string, m *pyjson.Map, depth int) {
		for k, v := range m.All() {
			name := prefix + pyjson.Str(k)
			if sub, ok := v.(*pyjson.Map); ok && sub.Len() > 0 && depth < 100 {
				walk(name+".", sub, depth+1)
				continue
			}
			flat = append(flat, [2]string{name, pyjson.Str(v)})
		}
	}
	walk("", m, 0)
	e.list(len(flat), func(i int) {
		e.raw("[")
		e.text(flat[i][0])
		e.raw(",")
		e.text(flat[i][1])
		e.raw("]")
	})
}

func (e *encoder) curve(c *Curve) {
	e.raw(`{"n":`)
	e.text(c.Name)
	e.raw(`,"s":`)
	e.list(len(c.Series), func(i int) {
		s := &c.Series[i]
		points := thin(s.Points)
		e.raw(`{"l":`)
		e.text(s.Label)
		e.raw(`,"c":`)
		e.integer(int64(max(s.Count, len(s.Points))))
		e.raw(`,"x":`)
		e.list(len(points), func(i int) { // differences are shorter
			d := points[i].Step
			if i > 0 {
				d -= points[i-1].Step
			}
			e.integer(int64(d))
		})
		e.raw(`,"y":`)
		e.list(len(points), func(i int) { e.number(points[i].Value) })
		e.raw("}")
	})
	e.raw("}")
}

// images groups the images that differ in a number only: one slider each.
func (e *encoder) images(all []Image) {
	type series struct {
		name  string
		steps bool
		items []*Image
	}
	var order []*series
	byName := map[string]*series{}
	for i := range all {
		img := &all[i]
		name, _, steps := stepOf(img.Name)
		if !steps {
			name = img.Name
		}
		s := byName[name]
		if s == nil {
			s = &series{name: name, steps: steps}
			byName[name] = s
			order = append(order, s)
		}
		s.items = append(s.items, img)
	}
	e.list(len(order), func(i int) {
		s := order[i]
		slices.SortStableFunc(s.items, func(a, b *Image) int {
			_, x, _ := stepOf(a.Name)
			_, y, _ := stepOf(b.Name)
			return x - y
		})
		e.raw(`{"n":`)
		e.text(s.name)
		e.raw(`,"step":` + strconv.FormatBool(s.steps) + `,"i":`)
		e.list(len(s.items), func(i int) { e.image(s.items[i]) })
		e.raw("}")
	})
}

// stepOf splits samples/12.png into samples and 12.
func stepOf(name string) (group string, step int, ok bool) {
	dir, file := path.Split(name)
	n, err := strconv.Atoi(strings.TrimSuffix(file, path.Ext(file)))
	if err != nil || n < 0 || dir == "" {
		return name, 0, false
	}
	return strings.TrimSuffix(dir, "/"), n, true
}

func (e *encoder) image(img *Image) {
	kind := img.Type
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(img.Name))
	}
	if !strings.HasPrefix(kind, "image/") {
		kind = "image/png"
	}
	label := path.Base(img.Name)
	if _, step, ok := stepOf(img.Name); ok {
		label = strconv.Itoa(step)
	}
	e.raw(`{"l":`)
	e.text(label)
	e.raw(`,"u":`)
	e.raw(`"data:`)
	e.raw(strings.Map(mediaChar, kind))
	e.raw(";base64,")
	enc := base64.NewEncoder(base64.StdEncoding, e.w)
	enc.Write(img.Data)
	enc.Close()
	e.raw(`"}`)
}

// mediaChar drops what a media type does not consist of.
func mediaChar(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/+-.", r) {
		return r
	}
	return -1
}

func (e *encoder) table(t *Table) {
	e.raw(`{"title":`)
	e.text(t.Title)
	e.raw(`,"header":`)
	e.list(len(t.Header), func(i int) { e.text(t.Header[i]) })
	if t.Kinds != nil {
		e.raw(`,"kinds":`)
		e.list(len(t.Header), func(i int) {
			if i < len(t.Kinds) {
				e.text(t.Kinds[i])
			} else {
				e.raw(`""`)
			}
		})
	}
	e.raw(`,"missing":`)
	e.text(t.Missing)
	e.raw(`,"failed":`)
	e.text(t.Failed)
	e.raw(`,"rows":`)
	e.list(len(t.Rows), func(i int) {
		e.list(len(t.Rows[i]), func(j int) { e.text(t.Rows[i][j]) })
	})
	e.raw("}")
}

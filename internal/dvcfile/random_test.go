package dvcfile_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A writer makes up files of dvc.yaml's grammar, most of them valid.
type writer struct{ *rand.Rand }

func (w writer) pick(list ...string) string { return list[w.IntN(len(list))] }

// expr is an expression that mostly names something of the params below.
func (w writer) expr() string {
	return w.pick("a", "f", "s", "t", "n", "l[0]", "l.1", "l[-1]", "d.k1.v", "d[k1].v", "d.k2", " s ", "m.name", "item", "item.x", "key",
		"item[y]", "nope", "l", "d", "s.x", "a.", "over", "loc")
}

// word is text with perhaps an expression in it.
func (w writer) word() string {
	switch w.IntN(6) {
	case 0, 1:
		return w.pick("x", "data", "a b", "p/q", "1", "true")
	case 2:
		return "${" + w.expr() + "}"
	case 3:
		return w.pick("o", "d-") + "${" + w.expr() + "}"
	case 4:
		return "${" + w.expr() + "}/${" + w.expr() + "}"
	}
	return w.pick(`\${a}`, "$${s}", "${", "$x", "${a", "${m}y")
}

func (w writer) quoted() string { return strconv.Quote(w.word()) }

func (w writer) list(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = w.quoted()
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (w writer) value() string {
	return w.pick("1", "2.5", "true", "null", "x", w.quoted(), "{x: 1, y: "+w.quoted()+"}", "[1, "+w.quoted()+"]")
}

// body is what a stage consists of besides its command.
func (w writer) body() string {
	var b strings.Builder
	cmd := w.quoted()
	if w.IntN(4) == 0 {
		cmd = w.list(2)
	}
	fmt.Fprintf(&b, "cmd: %s", cmd)
	if w.IntN(3) == 0 {
		fmt.Fprintf(&b, ", deps: %s", w.list(1+w.IntN(2)))
	}
	if w.IntN(3) == 0 {
		fmt.Fprintf(&b, ", outs: [%s: {desc: %s}]", w.quoted(), w.quoted())
	}
	if w.IntN(4) == 0 {
		fmt.Fprintf(&b, ", params: [%s, {%s: %s}]", w.quoted(), w.quoted(), w.list(1))
	}
	if w.IntN(6) == 0 {
		fmt.Fprintf(&b, ", vars: [{%s: %s}]", w.pick("loc", "a", "item", "d"), w.value())
	}
	if w.IntN(8) == 0 {
		fmt.Fprintf(&b, ", wdir: %s", w.quoted())
	}
	if w.IntN(6) == 0 {
		fmt.Fprintf(&b, ", meta: {k: %s, %s: 1}", w.value(), w.quoted())
	}
	return b.String()
}

func (w writer) stage() string {
	switch w.IntN(4) {
	case 0:
		items := w.pick("["+w.value()+", "+w.value()+"]", "{k: "+w.value()+", j: "+w.value()+"}", w.quoted(), "${l}", "${d}")
		return "{foreach: " + strconvIfExpr(items) + ", do: {" + w.body() + "}}"
	case 1:
		return "{matrix: {x: [" + w.value() + ", " + w.value() + "], y: " + w.pick("[1, 2]", `"${l}"`, `"${d}"`, "ab", w.list(1)) + "}, " + w.body() + "}"
	}
	return "{" + w.body() + "}"
}

func strconvIfExpr(s string) string {
	if strings.HasPrefix(s, "${") {
		return strconv.Quote(s)
	}
	return s
}

func (w writer) file() string {
	var b strings.Builder
	if w.IntN(4) == 0 {
		fmt.Fprintf(&b, "vars: [{over: %s}]\n", w.pick("1", "[1, 2]", "{x: 1}", w.quoted()))
	}
	b.WriteString("stages:\n")
	for i := range 1 + w.IntN(2) {
		fmt.Fprintf(&b, "  s%d: %s\n", i, w.stage())
	}
	return b.String()
}

// TestRandomFilesAgainstDVC makes up files and compares what becomes of them.
func TestRandomFilesAgainstDVC(t *testing.T) {
	n := 120
	if os.Getenv("REPRODL_LONG") != "" {
		n = 1000
	}
	w := writer{rand.New(rand.NewPCG(7, 11))}
	var cases []map[string]string
	for range n {
		cases = append(cases, map[string]string{"dvc.yaml": w.file(), "params.yaml": params})
	}
	compareWithDVC(t, cases)
}

package params

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPythonSyntax: the line of CPython 3.11's error of what is none of its grammar.
func TestPythonSyntax(t *testing.T) {
	for src, line := range map[string]int{
		"a = 1\ndef f(:\n  pass\n": 2, "def f()\n  pass\n": 1, "class A\n  x = 1\n": 1, "if True:\na = 1\n": 2, "a = 1\n  b = 2\n": 2,
		"if 1:\n    a = 1\n  b = 2\n": 3, "  a = 1\n": 1, "a = \n": 1, "a = 1 2\n": 1, "a = 0b12\n": 1, "a = 0o9\n": 1, "a = 010\n": 1, "a = 1__0\n": 1, "a = 1_\n": 1,
		"a = $\n": 1, "a = 1\n\nb = [1, 2\n": 3, "a = (1]\n": 1, "a = 'x\n": 1, "print 'x'\n": 1, "a <> b\n": 1, "import\n": 1, "a == 1 = 2\n": 1, "1 = a\n": 1, "f() = a\n": 1,
		"x = 1 if\n": 1, "x := 5\n": 1, "def = 5\n": 1, "None = 5\n": 1, "a = ur'x'\n": 1, "[a] += 1\n": 1, "for x in: pass\n": 1, "a = {1: 2, 3}[\n": 1, "else\n": 1,
		"\ufeffa = 1\n": 1, "a = 1; if b: pass\n": 1, "class A: pass; class B: pass\n": 1, "try:\n": 1, "a = x!\n": 1, "lambda x y: 1\n": 1, "with a as 1: pass\n": 1,
	} {
		_, err := parsePy("p.py", []byte(src))
		var e *Error
		if assert.ErrorAs(t, err, &e, src) {
			assert.Equal(t, line, e.Line, src)
		}
	}
	for _, src := range []string{
		"a = 1\r\nb = 2\r", "(a) = 5", "a: int", "a, *b = c = 1,", "[a, (b, c)] = x", "a.b[0].c = f(*x, y=1, **z)(lambda *a, b=1, /: (yield))", "x = yield", "async def f():\n  async with a as b, c: await d\n",
		"a = [x async for x in y if x if z for w in x]", "a = {**a, 'b': 1 if c else 2}", "a = {*a, b}", "x = {k: v for k, v in y}", "with (a as b, c as d,): pass", "with (a, b): pass",
		"match x:\n  case {'a': [1, *_]} if y: a = 1\n  case _: pass", "match = 1", "match(x)", "type = 1", "type X = int", "print(f'{a!r:>{w}}' 'b')", "try: a\nexcept* E as e: b\nfinally: c",
		"from . import (a as b,)", "from .. import *", "from ...a.b import c, d", "assert a, b", "del a, b[0]", "raise A from b", "if (n := 1) > 0: pass", "a[1:2, ::3, *b]", "not a is not b not in c",
		"@a.b(1)\nclass A(B, metaclass=C): x = 1; y = 2", "a = 1if b else 2", "a = 0xFFif 1 else 0", "a = 1.e5j + .5 - 0_0", "def f(a: int = 1, /, *, b, **c) -> d: ...", "a = \\\n  1", "x = -not_a", "global a, b", "if a:\n\tb\nelse: c",
		"class A[T: int](B): pass", "while a: break\nelse:\n  continue", "for a, in b: pass", "for x in *a, b: pass", "return *a, b", "a = b\"x\" rb'y'", "a @= b", "a: int = yield", "f(x for x in y)", "ü = 1",
	} {
		_, err := parsePy("p.py", []byte(src))
		assert.NoError(t, err, src)
	}
	n, err := parsePy("p.py", []byte("class A: x = 1; y = 2\nz = 3; w = -(-1)\n"))
	require.NoError(t, err)
	want := &Map{}
	class := &Map{}
	class.Set("x", int64(1))
	class.Set("y", int64(2))
	want.Set("A", class)
	want.Set("z", int64(3))
	assert.Equal(t, want, n.Value)
}

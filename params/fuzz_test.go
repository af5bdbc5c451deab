package params_test

import (
	"strings"
	"testing"

	"github.com/reprodl/reprodl/params"
)

func FuzzParse(f *testing.F) {
	for name, text := range map[string]string{
		"p.yaml": "a: [1, {b: c}] # d\n", "p.json": `{"a": [1, 2.5, null]}`,
		"p.toml": "a = 1\n[b.c]\nd = [1, {e = 2}]\n[[f]]\ng = 1979-05-27\n",
		"p.py":   "a = 1\nclass B:\n    c = {'d': (1, -2.5)}\n    def __init__(self):\n        self.e = '''x'''\n",
	} {
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		v, err := params.Parse(name, []byte(text))
		if err != nil {
			return
		}
		for key := range v.All() {
			v.Lookup(key)
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add("params.yaml", base, "lr=0.2")
	f.Add("params.yaml", "a: &x {b: 1}\nc:\n  <<: *x\n", "+c.d=[1,{e: 'f'}]")
	f.Add("p.toml", "a = 1 # b\n[c]\nd = [\n1]\n", "~c.d")
	f.Add("p.json", `{"a": {"b": 1}}`, "++a.c=${a.b}")
	f.Add("p.py", "a = 1\n", "a=sort(3,1)")
	f.Fuzz(func(t *testing.T, name, text, override string) {
		out, err := params.Apply(name, []byte(text), override)
		if err != nil {
			return
		}
		if _, err := params.Parse(name, out); err != nil {
			t.Fatalf("%q made %q of %q: %v", override, out, text, err)
		}
	})
}

func FuzzSweep(f *testing.F) {
	for _, s := range []string{"a=1,2", "a=range(0,1,0.25)", "+a.b=choice('x',[1,{k: v}])", "a=sort(shuffle(3,1),reverse=true)", `a="\\\"",x\,y`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		runs, err := params.Sweep(s)
		if err != nil {
			return
		}
		// Hydra, too, writes what stood in quotes without them: choice('!').
		if strings.ContainsAny(s, `'"`) {
			return
		}
		for _, run := range runs[:min(len(runs), 50)] {
			if _, err := params.Sweep(run...); err != nil {
				t.Fatalf("%q gave %q, which does not parse: %v", s, run, err)
			}
		}
	})
}

package experiment

import "testing"

func FuzzParseRef(f *testing.F) {
	f.Add("refs/exps/12/34567890123456789012345678901234567890/x")
	f.Add("refs/exps/exec/EXEC_HEAD/x")
	f.Fuzz(func(t *testing.T, s string) {
		if r, ok := parseRef(s); ok && r.String() != s {
			t.Fatalf("%q became %q", s, r)
		}
	})
}

package classicpage

import (
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func right(tag, text string) string {
	return "<" + tag + ` style="text-align: right;">` + text + "</" + tag + ">"
}

// TestTable compares with what tabulate 0.8.9, which DVC 2.1.0 used, printed
// for the same summary.
func TestTable(t *testing.T) {
	fsys := fstest.MapFS{"logs.json": {Data: []byte(`{"step": 5, "a": 1.31593345817172, "b": true, "c": NaN, "e": -Infinity,
		"h": -0.0, "k": 1234567.0, "l": 0.00001234567, "x": 99999.95, "train": {"loss": 0.5, "s": "text"}, "s": "text", "n": null, "<&\"'": 1}`)}}
	parts, err := table(fsys, "logs.json")
	require.NoError(t, err)
	require.Len(t, parts, 2)
	header := right("th", "  &lt;&amp;&quot;&#x27;") + right("th", "      a") + "<th>b   </th>" + right("th", "  c") + right("th", "   e") +
		right("th", "  h") + right("th", "          k") + right("th", "          l") + right("th", "  step") + "<th>train        </th>" + right("th", "      x")
	row := right("td", "     1") + right("td", "1.31593") + "<td>True</td>" + right("td", "nan") + right("td", "-inf") +
		right("td", " -0") + right("td", "1.23457e+06") + right("td", "1.23457e-05") + right("td", "     5") +
		"<td>{&#x27;loss&#x27;: 0.5}</td>" + right("td", "99999.9")
	assert.Equal(t, "<table>\n<thead>\n<tr>"+header+"</tr>\n</thead>\n<tbody>\n<tr>"+row+"</tr>\n</tbody>\n</table>", parts[0])
}

func TestRenderWithoutSummary(t *testing.T) {
	fsys := fstest.MapFS{
		"logs/b.tsv":            {Data: []byte("timestamp\tstep\tb\r\n1\t0\t0.5\r\n")},
		"logs/a</script>/é.tsv": {Data: []byte("timestamp\tstep\ta</script>/é\r\n1\t0\t</script>\r\n")},
		"logs/notes.txt":        {Data: []byte("not a plot")},
	}
	var b strings.Builder
	require.NoError(t, Render(&b, fsys, "logs"))
	page := b.String()
	assert.NotContains(t, page, "<table>")
	assert.Equal(t, 5, strings.Count(page, "</script>"), "three of the head and one of each plot")
	assert.Contains(t, page, `"field": "a<\/script>/\u00e9"`)
	assert.Less(t, strings.Index(page, "plot0"), strings.Index(page, `"b": "0.5"`))
	assert.Less(t, strings.Index(page, `\u00e9`), strings.Index(page, `"b": "0.5"`), "sorted")
}

func TestRenderErrors(t *testing.T) {
	assert.ErrorContains(t, Render(io.Discard, fstest.MapFS{"logs.json": {Data: []byte("[]")}}, "logs"), "logs.json")
	assert.ErrorContains(t, Render(io.Discard, fstest.MapFS{"logs.json": {Data: []byte("{")}}, "logs"), "logs.json")
	assert.ErrorContains(t, Render(io.Discard, fstest.MapFS{"logs/a.tsv": {}}, "logs"), "no header")
}

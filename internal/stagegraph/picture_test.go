package stagegraph_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASCII(t *testing.T) {
	got := documented(t).Stages().ASCII()
	assert.Equal(t, `     +---+        
     | a |        
     +---+*       
     *     *      
    *      *      
   *        *     
+---+     +----+  
| b |     | bb |  
+---+     +----+  
     *    *       
      *   *       
       * *        
     +---+        
     | c |        
     +---+        
+---+  
| z |  
+---+  `, got)
	assert.Empty(t, build(t).Stages().ASCII())
}

func TestDot(t *testing.T) {
	assert.Equal(t, `strict digraph {
"c";
"b";
"bb";
"a";
"z";
"b" -> "c";
"bb" -> "c";
"a" -> "b";
"a" -> "bb";
}
`, documented(t).Stages().Dot())
}

func TestMermaid(t *testing.T) {
	p := documented(t).Stages()
	want := "flowchart TD\n\tnode1[\"a\"]\n\tnode2[\"b\"]\n\tnode3[\"bb\"]\n\tnode4[\"c\"]\n" +
		"\tnode1-->node2\n\tnode1-->node3\n\tnode2-->node4\n\tnode3-->node4\n\tnode5[\"z\"]"
	assert.Equal(t, want, p.Mermaid())
	assert.Equal(t, "```mermaid\n"+want+"\n```", p.Markdown())
}

func TestAround(t *testing.T) {
	p := documented(t).Stages()
	assert.Equal(t, []string{"b", "a"}, p.Around([]string{"b"}, false).Names)
	assert.Equal(t, []string{"c", "b", "bb", "a"}, p.Around([]string{"b"}, true).Names)
}

func TestOutputs(t *testing.T) {
	p := documented(t).Outputs()
	assert.Equal(t, []string{"c", "b1", "b2", "a", "z"}, p.Names)
	assert.Equal(t, [][2]int{{1, 0}, {2, 0}, {3, 1}, {3, 2}}, p.Edges)
}

func TestCollapse(t *testing.T) {
	g := build(t,
		stage("train@a", []string{"in"}, []string{"a"}),
		stage("train@b", []string{"in", "a"}, []string{"b"}),
		stage("prepare", nil, []string{"in"}),
		stage("sum", []string{"a", "b"}, nil))
	p := g.Stages().Collapse()
	assert.Equal(t, []string{"prepare", "sum", "train"}, p.Names)
	assert.Equal(t, [][2]int{{0, 2}, {2, 2}, {2, 1}}, p.Edges)
}

package stagegraph

// An owner says which output of which node a path is.
type owner struct{ node, out int }

// A trie maps paths, cut into components, to their owners. Children are listed
// in the order of insertion, so that walks are deterministic.
type trie struct {
	owner    owner
	owned    bool
	children map[string]*trie
	order    []*trie
}

func newTrie() *trie { return &trie{} }

// put makes key the path of o, in place of what had it.
func (t *trie) put(key []string, o owner) {
	for _, part := range key {
		next := t.children[part]
		if next == nil {
			next = newTrie()
			if t.children == nil {
				t.children = make(map[string]*trie)
			}
			t.children[part] = next
			t.order = append(t.order, next)
		}
		t = next
	}
	t.owner, t.owned = o, true
}

// find is the node of a path; nil if nothing at or below it was put.
func (t *trie) find(key []string) *trie {
	for _, part := range key {
		if t = t.children[part]; t == nil {
			return nil
		}
	}
	return t
}

// get is the owner of exactly this path.
func (t *trie) get(key []string) (owner, bool) {
	if t = t.find(key); t == nil {
		return owner{}, false
	}
	return t.owner, t.owned
}

// shortestPrefix returns the outermost owned path that is key or contains it.
func (t *trie) shortestPrefix(key []string) (owner, bool) {
	for i := 0; t != nil; i++ {
		if t.owned {
			return t.owner, true
		}
		if i == len(key) {
			break
		}
		t = t.children[key[i]]
	}
	return owner{}, false
}

// prefixes appends the owners of all paths that are key or contain it,
// outermost first.
func (t *trie) prefixes(key []string, dst []owner) []owner {
	for i := 0; t != nil; i++ {
		if t.owned {
			dst = append(dst, t.owner)
		}
		if i == len(key) {
			break
		}
		t = t.children[key[i]]
	}
	return dst
}

// below appends the owners of all paths strictly inside key.
func (t *trie) below(key []string, dst []owner) []owner {
	if t = t.find(key); t == nil {
		return dst
	}
	return t.inside(dst)
}

// inside appends the owners below the node, not its own: parents before children.
func (t *trie) inside(dst []owner) []owner {
	for _, c := range t.order {
		if c.owned {
			dst = append(dst, c.owner)
		}
		dst = c.inside(dst)
	}
	return dst
}

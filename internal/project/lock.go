package project

import "github.com/phialdev/phial/elixir/syntax"

// LockKind says where an entry of mix.lock comes from.
type LockKind int

// The kinds of entries. LockUnknown is one that Mix may know and this reader does not.
const (
	LockUnknown LockKind = iota
	LockHex              // a package of a repository that Hex reads
	LockGit              // a commit of a git repository
)

// Locked is an entry of mix.lock. What the entry does not say, or says in a way that is not known here, is empty.
type Locked struct {
	Name string // of the application
	Kind LockKind
	At   Pos

	// Of a Hex package.
	Package  string // as the repository calls it; mostly the application's name
	Version  string
	Repo     string // "hexpm" for the public repository, "hexpm:ORG" for an organization's, else its name
	Checksum string // SHA-256 of the package's archive, in hex; locks of before Hex 0.20 have none

	// Of a git dependency.
	URL    string // as written: it may hold a password
	Commit string
	Subdir string // of the repository; empty for its root
}

// ReadLock reads the text of a mix.lock: a map from names to tuples of literals. It accepts anything; what is no
// entry is passed over.
func ReadLock(text string) []Locked {
	s := parse("mix.lock", text)
	return s.locked(s.root)
}

// lock reads mix.lock.
func (r *reader) lock() error {
	text, err := r.optional("mix.lock")
	if err != nil {
		return err
	}
	r.p.Lock = ReadLock(text)
	return nil
}

// locked reads the entries of a map, also of one in which something is broken.
func (s *source) locked(n *syntax.Node) (all []Locked) {
	if n.Kind == syntax.Call && n.Fun == nil && n.Text == "__block__" && len(n.Args) > 0 {
		n = n.Args[0]
	}
	if n.Kind != syntax.Unknown && (n.Kind != syntax.Call || n.Fun != nil || n.Text != "%{}") {
		return nil
	}
	for _, a := range n.Args {
		if a.Kind != syntax.Tuple || len(a.Args) != 2 || a.Args[0].Kind != syntax.Atom || !a.Args[0].Bare() {
			continue
		}
		l := Locked{Name: a.Args[0].Text, At: s.at(a)}
		l.fill(elements(a.Args[1]))
		all = append(all, l)
	}
	return all
}

// elements are those of a tuple.
func elements(n *syntax.Node) []*syntax.Node {
	if n.Kind == syntax.Tuple || n.Kind == syntax.Call && n.Fun == nil && n.Text == "{}" {
		return n.Args
	}
	return nil
}

// fill reads {:hex, :package, "version", "inner", [managers], [deps], "repo", "checksum"} or {:git, "url", "commit",
// [options]}. Both have grown over the years at their ends.
func (l *Locked) fill(tuple []*syntax.Node) {
	get := func(i int, k syntax.Kind) string {
		if i < len(tuple) && tuple[i].Kind == k {
			return tuple[i].Text
		}
		return ""
	}
	switch get(0, syntax.Atom) {
	case "hex":
		l.Kind = LockHex
		l.Package, l.Version, l.Repo, l.Checksum = get(1, syntax.Atom), get(2, syntax.String), get(6, syntax.String), get(7, syntax.String)
	case "git":
		l.Kind = LockGit
		l.URL, l.Commit = get(1, syntax.String), get(2, syntax.String)
		for _, name := range []string{"subdir", "sparse"} { // sparse checks out one directory and is at its root
			if len(tuple) < 4 || l.Subdir != "" {
				break
			}
			if o := keyword(tuple[3], name); o != nil && o.Kind == syntax.String {
				l.Subdir = o.Text
			}
		}
	}
}

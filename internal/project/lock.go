package project

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
func ReadLock(src string) []Locked { return readLock(newSource("mix.lock", src)) }

// lock reads mix.lock.
func (r *reader) lock() error {
	src, err := r.optional("mix.lock")
	if err != nil {
		return err
	}
	r.p.Lock = ReadLock(src)
	return nil
}

// The depths of brackets in %{"name": {:git, "url", "commit", [branch: "main"]}}.
const (
	inMap = iota + 1
	inTuple
	inOptions
)

// readLock goes over the tokens once, since a lock has more values than other files may have.
func readLock(s *source) []Locked {
	var all []Locked
	var tuple []token             // the first token of each element of the entry's tuple
	options := map[string]token{} // of a git dependency
	finish := func() {
		if len(all) > 0 {
			all[len(all)-1].fill(tuple, options)
		}
		tuple, options = nil, map[string]token{}
	}
	depth, begins := 0, false // begins: the next token is the first of an element
	for i, t := range s.tokens {
		switch {
		case t.kind == key && depth == inMap:
			finish()
			all = append(all, Locked{Name: t.text, At: s.at(i)})
		case t.kind == key && depth == inOptions && i+1 < len(s.tokens):
			options[t.text] = s.tokens[i+1]
		case t.is(mark, ",") && depth == inTuple:
			begins = true
			continue
		}
		if begins && depth == inTuple {
			tuple, begins = append(tuple, t), false
		}
		switch t.kind {
		case opening:
			depth++
			begins = depth == inTuple
		case closing:
			depth--
		}
	}
	finish()
	return all
}

// fill reads {:hex, :package, "version", "inner", [managers], [deps], "repo", "checksum"} or {:git, "url", "commit",
// [options]}. Both have grown over the years at their ends.
func (l *Locked) fill(tuple []token, options map[string]token) {
	get := func(i int, k kind) string {
		if i < len(tuple) && tuple[i].kind == k {
			return tuple[i].text
		}
		return ""
	}
	switch get(0, atom) {
	case "hex":
		l.Kind = LockHex
		l.Package, l.Version, l.Repo, l.Checksum = get(1, atom), get(2, text), get(6, text), get(7, text)
	case "git":
		l.Kind = LockGit
		l.URL, l.Commit = get(1, text), get(2, text)
		for _, name := range []string{"subdir", "sparse"} { // sparse checks out one directory and is at its root
			if o := options[name]; o.kind == text && l.Subdir == "" {
				l.Subdir = o.text
			}
		}
	}
}

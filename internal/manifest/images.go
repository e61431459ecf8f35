package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"go.yaml.in/yaml/v3"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Pinned is an image that was pushed, and who is to run it.
type Pinned struct {
	// Image is where it is: REPOSITORY[:TAG]@DIGEST.
	Image string
	// From are references that stand for it besides those to its repository, such as tally:1.0.0, which a BeamApp has
	// while the image is on one machine only. One with a tag stands for that tag, one without for every tag.
	From []string
}

// Pin writes an image's digest behind every reference to it in a source: spec.image of BeamApps, the image of each
// container in a pod template, wherever that is, and images in a kustomization. The tag becomes the image's, where that
// has one, and otherwise stays. A repository stays as it is written, but for those of From. n is the number of references
// to the image, also of those that needed no change.
//
// Nothing else in the text changes. The error is of type [Problems] where the content is at fault; the text is then given
// as it was, and n is 0.
func Pin(s Source, p Pinned) (text []byte, n int, err error) {
	m, err := newMatcher(p)
	if err != nil {
		return s.Text, 0, err
	}
	body, problem := decodable(s)
	if problem != nil {
		return s.Text, 0, Problems{*problem}
	}
	out := slices.Clone(s.Text[:len(s.Text)-len(body)]) // the byte order mark
	var problems Problems
	for _, c := range split(body) {
		r := rewriter{chunk: c, file: s.Name, matcher: m, seen: map[*yaml.Node]bool{}}
		rewritten := r.run()
		problems = append(problems, r.problems...)
		out = append(out, rewritten...)
		n += r.n
	}
	if err := problems.Err(); err != nil {
		return s.Text, 0, err
	}
	return out, n, nil
}

// reference is an image reference in its parts: repository as it is written, tag and digest.
type reference struct{ repository, tag, digest string }

// parseReference takes a reference apart. full is its repository in the one spelling that all its spellings have in
// common: nginx, docker.io/nginx and index.docker.io/library/nginx are one.
func parseReference(s string) (r reference, full string, err error) {
	base, digest, _ := strings.Cut(s, "@")
	t, err := name.NewTag(base, name.WeakValidation)
	if err != nil {
		return reference{}, "", fmt.Errorf("%q is no image reference: write it as registry.example.com/shop:1.4.2", s)
	}
	r = reference{repository: base, digest: digest}
	if i := strings.LastIndexByte(base, ':'); i > strings.LastIndexByte(base, '/') {
		r.repository, r.tag = base[:i], base[i+1:]
	}
	return r, t.Repository.Name(), nil
}

func (r reference) String() string {
	s := r.repository
	if r.tag != "" {
		s += ":" + r.tag
	}
	if r.digest != "" {
		s += "@" + r.digest
	}
	return s
}

// matcher decides which references are the image's, and what becomes of them.
type matcher struct {
	image reference
	full  string
	from  []fromRule
}

type fromRule struct{ full, tag string }

func newMatcher(p Pinned) (*matcher, error) {
	image, full, err := parseReference(p.Image)
	if err != nil {
		return nil, err
	}
	if _, err := name.NewDigest(p.Image, name.WeakValidation); err != nil {
		return nil, fmt.Errorf("%q names no digest: write it as registry.example.com/shop@sha256:…", p.Image)
	}
	m := &matcher{image: image, full: full}
	for _, s := range p.From {
		r, full, err := parseReference(s)
		if err != nil {
			return nil, err
		}
		m.from = append(m.from, fromRule{full, r.tag})
	}
	return m, nil
}

// replace gives what a reference becomes, where it is one to the image.
func (m *matcher) replace(s string) (string, bool) {
	r, full, err := parseReference(s)
	if err != nil {
		return "", false
	}
	switch {
	case full == m.full:
	case slices.ContainsFunc(m.from, func(f fromRule) bool { return f.full == full && (f.tag == "" || f.tag == r.tag) }):
		r.repository = m.image.repository
	default:
		return "", false
	}
	if m.image.tag != "" {
		r.tag = m.image.tag
	}
	r.digest = m.image.digest
	return r.String(), true
}

// containerLists are the fields of a pod that hold containers. Nothing else in Kubernetes' own objects is called so, and a
// pod template in anybody's resource is found by them.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

// walk finds the references below a node, each node once.
func (r *rewriter) walk(n *yaml.Node) {
	n = deref(n)
	if r.seen[n] {
		return
	}
	r.seen[n] = true
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			r.walk(c)
		}
		return
	}
	if strings.HasPrefix(text(n, "apiVersion"), v1alpha1.GroupVersion.Group+"/") && text(n, "kind") == v1alpha1.Kind {
		if _, spec := lookup(n, "spec"); spec != nil {
			r.image(spec)
		}
	}
	for k, v := range pairs(n) {
		if v.Kind == yaml.SequenceNode && slices.Contains(containerLists, k.Value) {
			for _, c := range v.Content {
				r.image(deref(c))
			}
		}
	}
	for _, c := range n.Content {
		r.walk(c)
	}
}

// image looks at the field image of a mapping.
func (r *rewriter) image(n *yaml.Node) {
	_, v := lookup(n, "image")
	if v == nil || v.Kind != yaml.ScalarNode || v.ShortTag() != "!!str" {
		return
	}
	if s, ok := r.matcher.replace(strings.TrimRight(v.Value, "\n")); ok && !r.counted[v] {
		r.count(v)
		r.set(v, s)
	}
}

// kustomization looks at the images of a kustomization.yaml, which need not say that it is one.
func (r *rewriter) kustomization(root *yaml.Node) {
	root = deref(root)
	if root.Kind != yaml.MappingNode {
		return
	}
	kind := text(root, "kind")
	_, images := lookup(root, "images")
	if images == nil || images.Kind != yaml.SequenceNode || kind != "" && kind != "Kustomization" && kind != "Component" {
		return
	}
	for _, c := range images.Content {
		if c = deref(c); c.Kind == yaml.MappingNode && !r.counted[c] {
			r.override(c)
		}
	}
}

// override sets the digest of an entry {name, newName, newTag, digest}, which names the image that it makes of others.
func (r *rewriter) override(entry *yaml.Node) {
	key, named := lookup(entry, "name")
	renamed := text(entry, "newName") != ""
	if renamed {
		key, named = lookup(entry, "newName")
	}
	if named == nil || named.Kind != yaml.ScalarNode {
		return
	}
	tagKey, tag := lookup(entry, "newTag")
	s := named.Value
	if t := text(entry, "newTag"); t != "" {
		s += ":" + t
	} else {
		tag = nil
	}
	becomes, ok := r.matcher.replace(s)
	if !ok {
		return
	}
	r.count(entry)
	pinned, _, err := parseReference(becomes)
	if err != nil {
		r.refuse(named, "this can't be made %s: write it by hand", becomes)
		return
	}
	var missing []string
	switch {
	case named.Value == pinned.repository:
	case renamed:
		r.set(named, pinned.repository)
	default: // name is what the resources call it
		missing = append(missing, "newName: "+pinned.repository)
	}
	if tag != nil && tag.Kind == yaml.ScalarNode && tag.Value != pinned.tag {
		r.set(tag, pinned.tag)
	}
	if _, digest := lookup(entry, "digest"); digest != nil {
		r.set(digest, pinned.digest)
	} else {
		missing = append(missing, "digest: "+pinned.digest)
	}
	if tag != nil {
		key, named = tagKey, tag
	}
	if len(missing) > 0 {
		r.insert(entry, key, named, missing)
	}
}

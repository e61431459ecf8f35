package project

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ImageTag is a name that a pipeline gives to an image that it builds or pushes.
type ImageTag struct {
	Ref  string // as it stands there, variables and all
	Full string // the same, with what the pipeline sets variables to in their place
	Tag  string // of Full, behind the colon; empty: there is none, which means latest
	At   Pos
}

// Computed says that what it is can't be seen: all of it comes out of a variable.
func (t ImageTag) Computed() bool {
	return t.Tag == "" && (strings.HasPrefix(t.Full, "$") || strings.HasPrefix(t.Full, "type="))
}

// ImageTags are the names that a step gives to images that it builds or pushes.
func (s CIStep) ImageTags() (all []ImageTag) {
	action, _, _ := strings.Cut(s.Uses, "@")
	for _, w := range s.With {
		if w.Name != "tags" && w.Name != "destination" || !strings.Contains(action, "docker") && !strings.Contains(action, "build") && !strings.Contains(action, "kaniko") {
			continue
		}
		text, _ := w.Value.AsText()
		for ref := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ',' }) {
			if ref = strings.TrimSpace(ref); ref != "" {
				all = append(all, s.imageTag(ref, w.At))
			}
		}
	}
	if s.Uses != "" {
		return all
	}
	n := -1
	joined, from := "", 0
	for line := range strings.SplitSeq(s.Text, "\n") {
		n++
		if joined == "" {
			from = n
		}
		if before, more := strings.CutSuffix(strings.TrimRight(line, " "), `\`); more {
			joined += before + " "
			continue
		}
		for _, ref := range imageNames(joined + line) {
			all = append(all, s.imageTag(ref, s.LineAt(from)))
		}
		joined = ""
	}
	return all
}

// imageTag takes a name apart. What stands in braces is a variable, whose colons are its own.
func (s CIStep) imageTag(ref string, at Pos) ImageTag {
	t := ImageTag{Ref: ref, Full: s.expand(ref), At: at}
	depth := 0
	for i, c := range t.Full {
		switch {
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case depth == 0 && c == '/':
			t.Tag = ""
		case depth == 0 && c == ':':
			t.Tag = t.Full[i+1:]
		}
	}
	return t
}

// variable is one as shells and pipelines write it: $NAME, ${NAME} or ${{ env.NAME }}.
var variable = regexp.MustCompile(`\$\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

const (
	maxExpansions = 8    // of variables that are made of others
	maxReference  = 4096 // bytes
)

// expand puts in what the pipeline sets variables to. Those that the script sets itself are not known.
func (s CIStep) expand(ref string) string {
	for range maxExpansions {
		out := variable.ReplaceAllStringFunc(ref, func(v string) string {
			m := variable.FindStringSubmatch(v)
			name := m[1] + m[2] + m[3]
			for _, o := range slices.Backward(s.Env) {
				if text, ok := o.Value.AsText(); ok && o.Name == name && !s.assigns(name) {
					return text
				}
			}
			return v
		})
		if out == ref || len(out) > maxReference {
			break
		}
		ref = out
	}
	return ref
}

// assigns says whether a step's script gives a variable a value.
func (s CIStep) assigns(name string) bool {
	for rest := s.Text; ; {
		i := strings.Index(rest, name+"=")
		if i < 0 {
			return false
		}
		if i == 0 || strings.ContainsRune(" \t\n;&\"'", rune(rest[i-1])) {
			return true
		}
		rest = rest[i+1:]
	}
}

// imageTools build images, or push them.
var imageTools = []string{"docker", "podman", "buildah", "nerdctl", "executor", "kaniko", "skopeo"}

// valued are flags of theirs that take the next word.
var valued = strings.Fields(`--creds --src-creds --dest-creds --authfile --src-authfile --dest-authfile --cert-dir --src-cert-dir --dest-cert-dir
	--format -f --digestfile --policy --signature-policy --sign-by --platform --compression-format --log-level --root --storage-driver --override-arch --override-os`)

// elsewhere is a place that is no registry, as skopeo and buildah write it.
var elsewhere = regexp.MustCompile(`^(oci|oci-archive|docker-archive|docker-daemon|containers-storage|dir|ostree|sif|tarball):`)

// imageNames are the names in a line of shell that docker and its like give to an image.
func imageNames(line string) (all []string) {
	words := shellWords(line)
	for len(words) > 0 {
		end := slices.IndexFunc(words, func(w string) bool {
			return w == "&&" || w == "||" || w == ";" || w == "|" || strings.HasSuffix(w, ";")
		})
		if end < 0 {
			return append(all, imagesOf(words)...)
		}
		command := slices.Clone(words[:end])
		if w := strings.TrimSuffix(words[end], ";"); w != "" && w != words[end] {
			command = append(command, w)
		}
		all = append(all, imagesOf(command)...)
		words = words[end+1:]
	}
	return all
}

// imagesOf are those of one command.
func imagesOf(words []string) (all []string) {
	n := slices.IndexFunc(words, func(w string) bool { return slices.Contains(imageTools, path.Base(strings.Trim(w, `'"(`))) })
	if n < 0 {
		return nil
	}
	tool := path.Base(strings.Trim(words[n], `'"(`))
	words = words[n+1:]
	verb := ""
	var rest []string // words behind the verb that are no flags
	for n := 0; n < len(words); n++ {
		w, next := words[n], ""
		if n+1 < len(words) {
			next = words[n+1]
		}
		flag, value, assigned := strings.Cut(w, "=")
		switch {
		case verb == "" && slices.Contains([]string{"build", "bud", "push", "tag", "copy", "commit"}, w):
			verb = w
		case (verb == "build" || verb == "bud") && (flag == "-t" || flag == "--tag") || flag == "--destination":
			if !assigned {
				value, n = next, n+1
			}
			if value = strings.Trim(value, `"'`); value != "" {
				all = append(all, value)
			}
		case slices.Contains(valued, w):
			n++
		case verb != "" && !strings.HasPrefix(w, "-"):
			rest = append(rest, w)
		}
	}
	switch {
	case verb == "tag":
		all = append(all, rest[min(1, len(rest)):]...)
	case verb == "push" && (tool == "buildah" || tool == "podman"), verb == "commit", verb == "copy" && tool == "skopeo":
		// Of two words the last says where to; a push may have one alone.
		if len(rest) > 1 || len(rest) == 1 && verb == "push" {
			all = append(all, rest[len(rest)-1])
		}
	case verb == "push":
		all = append(all, rest...)
	}
	var named []string
	for _, ref := range all {
		if ref = strings.TrimPrefix(ref, "docker://"); !elsewhere.MatchString(ref) {
			named = append(named, ref)
		}
	}
	return named
}

// shellWords cuts a line at spaces outside of quotes, of ${{ }} and of $().
func shellWords(line string) (words []string) {
	var b strings.Builder
	var quote rune
	depth := 0
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '{', c == '(' && strings.HasSuffix(b.String(), "$"):
			depth++
			b.WriteRune(c)
		case (c == '}' || c == ')') && depth > 0:
			depth--
			b.WriteRune(c)
		case quote == 0 && depth == 0 && (c == ' ' || c == '\t'):
			if b.Len() > 0 {
				words = append(words, b.String())
				b.Reset()
			}
		default:
			b.WriteRune(c)
		}
	}
	if b.Len() > 0 {
		words = append(words, b.String())
	}
	return words
}

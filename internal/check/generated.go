package check

import (
	"strings"

	"github.com/phialdev/phial/internal/manifest"
)

// generatedEntry is an entry of a Secret or a ConfigMap that stands in the kustomization that makes it.
type generatedEntry struct {
	by          *manifest.Object
	at          manifest.Field // NAME=VALUE
	secret      bool
	name, value string
}

// generated are the literals of all kustomizations' generators.
func (in *Input) generated() (all []generatedEntry) {
	for _, kind := range []string{"Kustomization", "Component"} {
		for _, o := range in.Objects.OfKind(kind) {
			for _, list := range []string{"secretGenerator", "configMapGenerator"} {
				for g := range o.At(list).Items() {
					for l := range g.Key("literals").Items() {
						name, value, ok := strings.Cut(l.String(), "=")
						if ok {
							all = append(all, generatedEntry{o, l, list == "secretGenerator", name, strings.Trim(value, `"'`)})
						}
					}
				}
			}
		}
	}
	return all
}

// variableName is an entry of a Secret as the variable that it is for is called: database-url, DATABASE_URL.
func variableName(entry string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(entry))
}

// secretInMap finds secrets in ConfigMaps, and in kustomizations that make Secrets and ConfigMaps of them.
func secretInMap(in *Input, f *Finder) {
	isSecret := func(name, value string) bool {
		inURL, itself := secretIn(variableName(name), value)
		return (inURL || itself) && !strings.Contains(value, "\n")
	}
	for _, o := range in.Objects.OfKind("ConfigMap") {
		if o.File == manifest.StdinName || o.Origin != "" {
			continue
		}
		for name, v := range o.At("data").Fields() {
			if isSecret(name, v.String()) {
				f.AtName(o, v, "a ConfigMap holds %s, which whoever may look at the namespace reads", name).Secret().
					Mend("put %s into a Secret, and refer to that: secretRef in envFrom, or valueFrom.secretKeyRef", name)
			}
		}
	}
	for _, g := range in.generated() {
		if isSecret(g.name, g.value) {
			f.At(g.by, g.at, "%s stands in the kustomization that makes a Secret of it; if that is in a repository, so is the secret", g.name).Secret().
				Mend("let the generator read a file that is not in the repository (envs:, files:), or make the Secret elsewhere")
		}
	}
}

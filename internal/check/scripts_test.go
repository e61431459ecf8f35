package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A script that is certain to be run and that no shell reads is an error at its place; what may be read, or may not be run, is
// none.
func TestBrokenScripts(t *testing.T) {
	const names = "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=\"<%= @release.name %>@${POD_IP}\"\n"
	envSh := func(text string) change { return change{"rel/env.sh.eex", "", text} }
	entry := change{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, "COPY docker/entry.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]\nCMD [\"/app/bin/shop\", \"start\"]"}
	script := func(text string) change { return change{"docker/entry.sh", "", text} }
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"sound":                        {[]change{envSh(names)}, nil},
		"an if without fi":             {[]change{envSh("if true; then\n" + names)}, []string{"error rel/env.sh.eex: if true; then"}},
		"a quote that is not closed":   {[]change{envSh("export A=\"b\n" + names)}, []string{"error rel/env.sh.eex: export RELEASE_NODE=\"<%= @release.name %>@${POD_IP}\""}},
		"what bash has":                {[]change{envSh("A=(1 2)\n" + names)}, nil},
		"a tag that may end it":        {[]change{envSh("<%= if System.get_env(\"X\") do %>\nif true; then\n<% end %>\n" + names)}, nil},
		"a tag around the whole":       {[]change{envSh("<%= if System.get_env(\"X\") do %>\nif true; then\n  A=1\nfi\n<% end %>\n" + names)}, nil},
		"behind the script's end":      {[]change{envSh("[ -n \"$X\" ] || return 0\nif true; then\n" + names)}, nil},
		"the image does not get it":    {[]change{envSh("if true; then\n" + names), {".dockerignore", "", "rel\n"}}, nil},
		"an entrypoint":                {[]change{entry, script("#!/bin/sh\nset -e\nif [ -n \"$A\" ]; then\n  export A\nexec \"$@\"\n")}, []string{"error docker/entry.sh: if [ -n \"$A\" ]; then"}},
		"an entrypoint that is sound":  {[]change{entry, script("#!/bin/sh\nset -e\nexec \"$@\"\n")}, nil},
		"an entrypoint of bash's":      {[]change{entry, script("#!/bin/bash\nargs=(\"$@\")\nexec \"${args[@]}\"\n")}, nil},
		"an entrypoint, not a shell's": {[]change{entry, script("#!/usr/bin/env python3\nif True:\n  print('\n")}, nil},
		"line ends of Windows":         {[]change{entry, script("#!/bin/sh\r\nexec \"$@\"\r\n")}, []string{"error docker/entry.sh: #!/bin/sh"}},
		"line ends that are mended":    {[]change{entry, script("#!/bin/sh\r\nexec \"$@\"\r\n"), {"Dockerfile", "USER nobody", "RUN sed -i 's/\\r$//' /entry.sh\nUSER nobody"}}, nil},
		"another command":              {[]change{entry, script("#!/bin/sh\nif true; then\nexec \"$@\"\n"), {"k8s.yaml", "        env:\n", "        command: [/app/bin/shop, start]\n        env:\n"}}, nil},
		"a script that is not run":     {[]change{{"rel/overlays/bin/migrate", "", "#!/bin/sh\nif true; then\n"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := shop(t, c.changes)
			if d := cmp.Diff(c.want, foundOn(in, SourceUnreadable)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, f := range Run(in, Options{}).Findings {
				if c.want != nil && f.Severity > 0 && f.Code != SourceUnreadable && strings.Contains(f.Cause, "must") {
					t.Errorf("%s tells of it as well: %s", f.Code, f.Cause)
				}
			}
		})
	}
}

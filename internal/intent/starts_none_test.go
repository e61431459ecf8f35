package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// What certainly does not come to start the release has no node, and the code of the finding that says so; what may come to it has
// none.
func TestStartsNone(t *testing.T) {
	const build = "FROM elixir:1.17 AS build\nCOPY . .\nRUN mix release\nFROM debian:12\nWORKDIR \"/app\"\nCOPY --from=build /app/_build/prod/rel/shop ./\n"
	entry := func(cmd, script string) map[string]string {
		return map[string]string{"Dockerfile": build + "COPY docker/entry.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]\n" + cmd + "\n", "docker/entry.sh": script}
	}
	server := func(script string) map[string]string {
		return map[string]string{"Dockerfile": build + "CMD [\"/app/bin/server\"]\n", "rel/overlays/bin/server": script}
	}
	with := func(files map[string]string, name, text string) map[string]string {
		files[name] = text
		return files
	}
	const cd = "#!/bin/sh\ncd -P -- \"$(dirname -- \"$0\")\"\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		code  string // empty: it has, or may have
	}{
		{"its name", entry("", "#!/bin/sh\nexec /app/bin/shop start\n"), ""},
		{"another name", entry("", "#!/bin/sh\nexec /app/bin/store start\n"), codeNoProgram},
		{"another name, of an overlay", with(entry("", "#!/bin/sh\nexec /app/bin/store start\n"), "rel/overlays/bin/store", "#!/bin/sh\nexec ./shop start\n"), ""},
		{"another name, elsewhere", entry("", "#!/bin/sh\nexec /opt/store/bin/store start\n"), ""},
		{"another name, that the build may make", entry("RUN ln -s shop bin/store", "#!/bin/sh\nexec /app/bin/store start\n"), ""},
		{"another name, and more behind it", entry("", "#!/bin/sh\n/app/bin/store start\nexec /app/bin/shop start\n"), ""},
		{"another name, beside it", server(cd + "exec ./store start\n"), codeNoProgram},
		{"another name, beside another script", server("#!/bin/sh\ncd /opt/store\nexec ./store start\n"), ""},
		{"another name, from another directory", entry("", "#!/bin/sh\ncd /opt/store\nexec bin/store start\n"), ""},
		{"another name, from where it starts", entry("", "#!/bin/sh\nexec bin/store start\n"), codeNoProgram},
		{"its name, beside it", server(cd + "exec ./shop start\n"), ""},
		{"of an image's command", map[string]string{"Dockerfile": build + "CMD [\"/app/bin/store\", \"start\"]\n"}, codeNoProgram},
		{"in the background", entry("", "#!/bin/sh\nexec /app/bin/shop daemon\n"), codeBackground},
		{"in the background, in a branch", entry("CMD [\"start\"]", "#!/bin/sh\ncase \"$1\" in\n  start)\n    /app/bin/shop daemon\n    ;;\nesac\n"), codeBackground},
		{"in the background, and waits", entry("", "#!/bin/sh\n/app/bin/shop daemon\ntail -f /app/log\n"), ""},
		{"a command as a program", entry("CMD [\"start\"]", "#!/bin/sh\nexec \"$@\"\n"), codeNoProgram},
		{"a command as a program that is copied", entry("COPY start /usr/local/bin/start\nCMD [\"start\"]", "#!/bin/sh\nexec \"$@\"\n"), ""},
		{"a command as a program that the image may have", func() map[string]string {
			files := entry("CMD [\"start\"]", "#!/bin/sh\nexec \"$@\"\n")
			files["Dockerfile"] = strings.Replace(files["Dockerfile"], "FROM debian:12", "FROM registry.example.com/base:1", 1)
			return files
		}(), ""},
		{"line ends of Windows", entry("", "#!/bin/sh\r\nexec /app/bin/shop start\r\n"), codeNoShell},
		{"line ends of Windows that are mended", entry("RUN sed -i 's/\\r$//' /entry.sh", "#!/bin/sh\r\nexec /app/bin/shop start\r\n"), ""},
		{"line ends of Windows, behind the first line", entry("", "#!/bin/sh\nexec /app/bin/shop start\r\n"), ""},
		{"line ends of Windows, of bin/server", server("#!/bin/sh\r\nexec ./shop start\r\n"), codeNoShell},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, podWith(hand, ""))
			in := Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), "")
			for _, r := range in.Replicas {
				if (r.NoNode != "") != (c.code != "") || r.NoNode != "" && (r.Code != c.code || r.Node.From == "" || strings.Contains(r.NoNode, "\r")) {
					t.Errorf("%s, code %q at %q; want %q", r.NoNode, r.Code, r.Node.From, c.code)
					tell(t, mesh.Predict(in))
					return
				}
			}
		})
	}
}

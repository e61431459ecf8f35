package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// image are rules about what is started, and how.
var image = []Rule{
	{
		Code: finding.LibraryOther, Title: "built on one system, run on another",
		Severity: finding.Error, Confidence: Certain, Needs: Project | Dockerfile,
		Looks: "The images that the stages of a Dockerfile begin with: where mix release runs, and where the release is copied to.",
		Why:   "A release has the Erlang of where it was built, linked against that system's libraries: version GLIBC_2.3x not found, libcrypto.so.1.1: cannot open shared object file.",
		Fix:   "begin both stages with the same release of the same system",
		Hides: []finding.Code{"IMG-02"},
		Check: otherBase,
	},
	{
		Code: finding.LibraryMissing, Title: "libraries that the runner lacks",
		Severity: finding.Error, Confidence: Certain, Needs: Project | Dockerfile,
		Looks: "What is installed in the last stage of a Dockerfile, where that begins with a bare system and gets a release; and whether that stage has a shell: scratch, distroless images without :debug and Chainguard's static have none.",
		Why:   "The BEAM needs the C++ library, ncurses and OpenSSL, which a slim image does not have: Error loading shared library libstdc++.so.6. Its bin/NAME is a script, which no container starts without a shell: no such file or directory.",
		Fix:   "install libstdc++, ncurses and openssl in the last stage",
		Check: func(in *Input, f *Finder) {
			missingLibraries(in, f)
			missingShell(in, f)
		},
	},
	{
		Code: "IMG-03", Title: "a base that moves",
		Severity: finding.Warning, Confidence: Certain, Needs: Project | Dockerfile,
		Looks: "Tags of the images that a Dockerfile begins with.",
		Why:   "The same commit gives another image next month, with another Erlang or another system.",
		Fix:   "name the whole version, such as hexpm/elixir:1.18.1-erlang-27.2-debian-bookworm-20241223-slim, or a digest",
		Check: floatingBase,
	},
	{
		Code: "IMG-04", Title: "built under emulation",
		Severity: finding.Warning, Confidence: Likely, Needs: Project | Dockerfile | CI,
		Looks: "Workflows that set QEMU up and build for another processor, and Dockerfiles without +JMsingle or +JPperf.",
		Why:   "The JIT of OTP 24 and later maps memory twice, which QEMU's user mode does not do: mix exits with 139.",
		Fix:   "build on a machine of that kind; or set ERL_FLAGS=\"+JMsingle true\" (or +JPperf true) in the stage that builds",
		Check: emulated,
	},
	{
		Code: "IMG-05", Title: "a secret in the image",
		Severity: finding.Warning, Confidence: Certain, Needs: Project | Dockerfile,
		Looks: "ENV, and defaults of ARG, in the stage that becomes the image.",
		Why:   "It is in the image's configuration and history: whoever can pull it can read it.",
		Fix:   "give it when the container starts, from a Secret; give the build what it needs by RUN --mount=type=secret",
		Check: secretInImage,
	},
	{
		Code: "IMG-06", Title: "mix in place of a release",
		Severity: finding.Error, Confidence: Certain, Needs: Deployment,
		Looks: "Commands and arguments that run mix phx.server, mix run or mix deps.get, and the CMD and ENTRYPOINT of a Dockerfile where none builds a release. It is an error where the image gets a release and has no mix.",
		Why:   "The app is compiled or loaded at each start, from source that is in the image, and has none of a release's scripts, cookie and node name.",
		Fix:   "build a release (mix release, or phial build) and start it with bin/app start",
		Hides: []finding.Code{"IMG-07", "CI-01"},
		Check: func(in *Input, f *Finder) {
			mixInPod(in, f)
			if in.Project != nil {
				mixInImage(in, f)
			}
		},
	},
	{
		Code: "IMG-07", Title: "SIGTERM that reaches nobody",
		Severity: finding.Warning, Confidence: Likely, Needs: Deployment,
		Looks: "Commands that start the release by a shell without exec: of containers, and where those name none, of the image and the script that it runs, in the branch that its arguments take. Not where tini -g or dumb-init tells all processes.",
		Why:   "The kubelet tells process 1 to stop, and that is the shell, which passes nothing on: the pod takes its whole grace period and is killed, and nothing is ended.",
		Fix:   "write exec before the last command: sh -c \"exec bin/app start\", or start it without a shell",
		Mends: true,
		Check: func(in *Input, f *Finder) {
			shellWithoutExec(in, f)
			if in.Project != nil {
				shellInImage(in, f)
			}
		},
	},
	{
		Code: "IMG-08", Title: "a variable that no shell replaces",
		Severity: finding.Warning, Confidence: Certain, Needs: Deployment,
		Looks: "${VARIABLE} in commands and arguments that no shell runs, of containers, their hooks and probes, and of the image; $(VARIABLE) in hooks.",
		Why:   "The kubelet replaces $(VARIABLE) alone, and that not in hooks; and nobody replaces anything in the list of a CMD or ENTRYPOINT: it is handed over as it stands.",
		Fix:   "write it as $(VARIABLE)",
		Mends: true,
		Check: func(in *Input, f *Finder) {
			bracesInCommand(in, f)
			if in.Project != nil {
				variableInImage(in, f)
			}
		},
	},
	{
		Code: "IMG-09", Title: "Latin-1",
		Severity: finding.Warning, Confidence: Likely, Needs: Project | Dockerfile,
		Looks: "LANG and LC_ALL of the image that gets the release, of the containers and in rel/env.sh.eex.",
		Why:   "Without a UTF-8 locale the BEAM takes file names and output for Latin-1: Elixir warns, and letters beyond ASCII are mangled.",
		Fix:   "set ENV LANG=C.UTF-8 in the last stage",
		Check: latin1,
	},
	{
		Code: "IMG-11", Title: "a file that mix release does not take",
		Severity: finding.Warning, Confidence: Certain, Needs: Project,
		Looks: "rel/env.sh and rel/vm.args without .eex.",
		Why:   "mix release evaluates rel/env.sh.eex and rel/vm.args.eex, and makes its own where they are not there: what the file says is lost, silently.",
		Fix:   "rename it to end in .eex",
		Check: wrongName,
	},
	{
		Code: finding.RunsAsRoot, Title: "runs as root",
		Severity: finding.Warning, Confidence: Certain, Needs: Deployment,
		Looks: "runAsUser: 0 of releases, and Dockerfiles without USER where no manifest says whom the release runs as.",
		Why:   "Whoever breaks into the app is root in its container, and clusters that want pods without root refuse to start it.",
		Fix:   "let it run as a user of its own, given by number",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				user := b.Container.At("securityContext.runAsUser")
				if user.Null() {
					user = b.Pod.At("securityContext.runAsUser")
				}
				if n, ok := user.Int(); ok && n == 0 {
					f.At(b.Object, user, "the container %s runs as root", b.Container.Called)
				}
			}
			if in.Project != nil {
				rootInImage(in, f)
			}
		},
	},
	{
		Code: finding.ImageLarge, Title: "a runner with compilers in it",
		Severity: finding.Warning, Confidence: Likely, Needs: Project | Dockerfile,
		Looks: "The image that the last stage of a Dockerfile with mix release begins with.",
		Why:   "A release brings its own Erlang. A full image of Elixir or Erlang adds some 700 MB to pull at each start, with everything that an intruder wants.",
		Fix:   "copy the release into a slim image of the same system (debian:bookworm-slim, alpine) in a last stage",
		Check: wholeLanguage,
	},
	{
		Code: codeNoProgram, Title: "what starts the release is not there",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "bin/NAME in CMD, ENTRYPOINT and the commands of containers with the project's image, and _build/prod/rel/NAME in COPY --from, against the releases of mix.exs, or its app where it names none; also in the scripts of the project that are run on the way. Programs of the release's bin that neither mix release nor rel/overlays makes, commands such as daemon that a script runs without bin/NAME, and scripts that run what they are given and are given nothing.",
		Why:   "mix release makes a directory and a script of the release's name: another name is not there, so the image is not built, or its container does not start.",
		Fix:   "start it as bin/NAME start, by the release's name as mix.exs has it",
		Check: otherRelease,
	},
	{
		Code: "IMG-22", Title: "a release in the background",
		Severity: finding.Error, Confidence: Certain, Needs: Deployment,
		Looks: "bin/NAME daemon and daemon_iex as what a container runs, and where that names no command as what the image runs; also as the last command of the scripts of the project that are run on the way.",
		Why:   "Both start the node in the background and return. Process 1 has ended then, so the container has too: CrashLoopBackOff, without an error in any log.",
		Fix:   "run bin/NAME start, which stays",
		Hides: []finding.Code{"IMG-07"},
		Check: inBackground,
	},
	{
		Code: "OPS-01", Title: "a name that only the start knows",
		Severity: finding.Info, Confidence: Hint, Needs: Deployment,
		Looks: "RELEASE_NODE set in a container's command or in the image's entrypoint, and not in rel/env.sh.eex.",
		Why:   "kubectl exec starts beside the entrypoint: bin/NAME rpc and remote make up another name there, and say nodedown.",
		Fix:   "set it in rel/env.sh.eex, which every command of the release reads",
		Check: nameOfStart,
	},
	{
		Code: "OPS-03", Title: "hot upgrades and images",
		Severity: finding.Info, Confidence: Hint, Needs: Project | Kubernetes,
		Looks: "Directories of appups beside manifests.",
		Why:   "A pod's image is replaced, not changed: what was upgraded in place is lost with the container.",
		Fix:   "roll out; keep state outside of the node, or hand it over at shutdown",
		Check: hotUpgrades,
	},
	{
		Code: "OPS-04", Title: "a console without a terminal",
		Severity: finding.Info, Confidence: Hint, Needs: Project,
		Looks: "kubectl exec ... remote in scripts, Makefiles and pipelines.",
		Why:   "Without a terminal bin/NAME remote is a console on its own throw-away node (rem-...), not on the release's.",
		Fix:   "write kubectl exec -it, with TERM set; for a script use bin/NAME rpc",
		Check: remoteWithoutTTY,
	},
}

var mixCommand = regexp.MustCompile(`\bmix\s+(phx\.server|run|deps\.get|compile|ecto\.[a-z]+)\b`)

func mixInPod(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			words := c.Words()
			if found := mixCommand.FindString(joined(c)); found != "" && len(words) > 0 {
				f.At(b.Object, wordWith(words, "mix"), "the container %s runs %s", c.Called, found).As(finding.Warning, Certain)
			}
		}
	}
}

// wordWith is the first of a command's words that holds a text, or the first of all.
func wordWith(words []manifest.Field, text string) manifest.Field {
	for _, w := range words {
		if strings.Contains(w.String(), text) {
			return w
		}
	}
	return words[0]
}

// isShell says whether a program is a shell, by its name.
func isShell(name string) bool { return slices.Contains([]string{"sh", "bash", "dash", "ash"}, name) }

// script is what a shell runs, where a command is one: sh -c SCRIPT.
func script(c manifest.Container) (at manifest.Field, shell string, ok bool) {
	words := c.Words()
	if len(words) < 3 {
		return manifest.Field{}, "", false
	}
	if shell = path.Base(words[0].String()); !isShell(shell) {
		return manifest.Field{}, "", false
	}
	for i, w := range words[1 : len(words)-1] {
		if flag := w.String(); strings.HasPrefix(flag, "-") && strings.HasSuffix(flag, "c") {
			return words[i+2], shell, true
		}
	}
	return manifest.Field{}, "", false
}

// startsRelease is a release's own script that starts it.
var startsRelease = regexp.MustCompile(`(^|[\s;&|/])bin/[A-Za-z0-9_-]+\s+(start|start_iex|foreground)\b`)

func shellWithoutExec(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at, shell, ok := script(b.Container)
		if !ok {
			continue
		}
		text := strings.TrimSpace(at.String())
		if piped(text) {
			f.At(b.Object, at, "the container %s starts the release in a pipe of %s's: %s is process 1, and the release is not told to stop", b.Container.Called, shell, shell).
				Mend("write to the standard output alone, and start it without a shell")
			continue
		}
		found, last := staysBefore(text)
		if !found {
			continue
		}
		n := f.At(b.Object, at, "the container %s is started by %s without exec: %s is process 1, and the release is not told to stop", b.Container.Called, shell, shell)
		if now, ok := withExec(at.String()); ok && last {
			n.Edited(in.Objects.Replace(at, now))
		}
		if !last {
			n.Mend("take out what stands behind the release, and write exec before it")
		} else if d, why := in.imageOf(b); why == "" || shell == "bash" {
			n.ifReplaced(d, shell)
		}
	}
}

func bracesInCommand(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			inHooks(c, b, f)
			if _, _, shell := script(c); shell {
				continue
			}
			words := c.Words()
			if len(words) > 0 && !c.Key("command").Exists() && !in.takesWords(b, c) {
				continue // the image's entrypoint may be a shell
			}
			for _, w := range words {
				if found := braces.FindString(w.String()); found != "" {
					n := f.At(b.Object, w, "%s stands in the command of the container %s, and no shell replaces it", found, c.Called)
					if now, ok := forKubelet(w.String(), variablesOf(c)); ok {
						n.Edited(in.Objects.Replace(w, now))
					}
				}
			}
		}
	}
}

// imageOf is the Dockerfile of a workload's image, or why it is not known.
func (in *Input) imageOf(b Beam) (d project.Dockerfile, why string) {
	if in.Project == nil || !in.ofProject(b) {
		return d, "another image"
	}
	return dockerfileOf(in.Project)
}

// forHooks is what nobody replaces in a hook, where the kubelet leaves $(VARIABLE), too.
var forHooks = regexp.MustCompile(`\$\{[A-Za-z_][^}]*\}|\$\([A-Za-z_][A-Za-z0-9_]*\)`)

// inHooks finds variables in the commands of a container's hooks and probes. In those of probes the kubelet replaces what it
// replaces in the container's own.
func inHooks(c manifest.Container, b Beam, f *Finder) {
	look := func(command manifest.Field, what string, variable *regexp.Regexp) {
		for w := range command.Items() {
			if isShell(path.Base(w.String())) {
				return
			}
		}
		for w := range command.Items() {
			if found := variable.FindString(w.String()); found != "" {
				f.At(b.Object, w, "%s stands in the command of %s of the container %s, and nobody replaces it", found, what, c.Called).
					Mend("write out what it stands for, or let a shell replace it: [sh, -c, \"exec ... ${%s}\"]", strings.Trim(found, "${}()"))
			}
		}
	}
	for _, hook := range []string{"preStop", "postStart"} {
		look(c.At("lifecycle."+hook+".exec.command"), hook, forHooks)
	}
	for _, p := range probes(c) {
		look(p.At("exec.command"), "the "+p.kind+" probe", braces)
	}
}

// takesWords says whether the project's image runs a container's arguments as they are: nothing of its own stands before them
// but programs that pass them on.
func (in *Input) takesWords(b Beam, c manifest.Container) bool {
	if in.Project == nil || !in.ofProject(b) || c.Field != b.Container.Field {
		return false
	}
	d, why := dockerfileOf(in.Project)
	if why != "" {
		return false
	}
	if base := d.Base(d.Final()).Ref; !base.Known() || !plainBases.MatchString(base.Value) {
		return false
	}
	words := []string{}
	if e, ok := d.Last(d.Final(), "ENTRYPOINT"); ok {
		if words = slices.Clone(e.Words); !e.Exec {
			return false
		}
	}
	for w := range c.Key("args").Items() {
		words = append(words, w.String())
		break
	}
	for i, w := range words {
		last := i == len(words)-1
		if isShell(path.Base(w)) || !last && !strings.HasPrefix(w, "-") && !passesOn.MatchString(w) {
			return false
		}
	}
	return true
}

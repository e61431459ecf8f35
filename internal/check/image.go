package check

import (
	"path"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// image are rules about what is started, and how.
var image = []Rule{
	{
		Code: "IMG-06", Title: "mix in place of a release",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Commands and arguments that run mix phx.server, mix run or mix deps.get.",
		Why:   "The app is compiled or loaded at each start, from source that is in the image, and has none of a release's scripts, cookie and node name.",
		Fix:   "build a release (mix release, or phial build) and start it with bin/app start",
		Hides: []finding.Code{"IMG-07"},
		Check: mixInPod,
	},
	{
		Code: "IMG-07", Title: "SIGTERM that reaches nobody",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Commands that start the release by a shell without exec.",
		Why:   "The kubelet tells process 1 to stop, and that is the shell, which passes nothing on: the pod takes its whole grace period and is killed, and nothing is ended.",
		Fix:   "write exec before the last command: sh -c \"exec bin/app start\", or start it without a shell",
		Check: shellWithoutExec,
	},
	{
		Code: "IMG-08", Title: "a variable that no shell replaces",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "${VARIABLE} in commands and arguments that no shell runs.",
		Why:   "The kubelet replaces $(VARIABLE) alone; anything else is handed over as it stands.",
		Fix:   "write it as $(VARIABLE)",
		Check: bracesInCommand,
	},
	{
		Code: finding.RunsAsRoot, Title: "runs as root",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "runAsUser: 0 of releases.",
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
		},
	},
}

var mixCommand = regexp.MustCompile(`\bmix\s+(phx\.server|run|deps\.get|compile|ecto\.[a-z]+)\b`)

func mixInPod(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			words := c.Words()
			if found := mixCommand.FindString(joined(c)); found != "" && len(words) > 0 {
				f.At(b.Object, wordWith(words, "mix"), "the container %s runs %s", c.Called, found)
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

// script is what a shell runs, where a command is one: sh -c SCRIPT.
func script(c manifest.Container) (at manifest.Field, shell string, ok bool) {
	words := c.Words()
	if len(words) < 3 {
		return manifest.Field{}, "", false
	}
	shell = path.Base(words[0].String())
	switch shell {
	case "sh", "bash", "dash", "ash":
	default:
		return manifest.Field{}, "", false
	}
	for i, w := range words[1 : len(words)-1] {
		if flag := w.String(); strings.HasPrefix(flag, "-") && strings.HasSuffix(flag, "c") {
			return words[i+2], shell, true
		}
	}
	return manifest.Field{}, "", false
}

var startsRelease = regexp.MustCompile(`(^|[\s;&|/])bin/[A-Za-z0-9_-]+\s+(start|start_iex|foreground)\b`)

func shellWithoutExec(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at, shell, ok := script(b.Container)
		if !ok {
			continue
		}
		text := strings.TrimSpace(at.String())
		lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' || r == '&' || r == '|' })
		if len(lines) == 0 {
			continue
		}
		last := strings.TrimSpace(lines[len(lines)-1])
		if !startsRelease.MatchString(last) || strings.HasPrefix(last, "exec ") || strings.Contains(text, "trap ") {
			continue
		}
		n := f.At(b.Object, at, "the container %s is started by %s without exec: %s is process 1, and the release is not told to stop", b.Container.Called, shell, shell)
		if shell == "bash" {
			n.As(finding.Info, Hint).Saw("bash may put the last command in its own place")
		}
	}
}

func bracesInCommand(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			if _, _, shell := script(c); shell {
				continue
			}
			words := c.Words()
			if len(words) > 0 && !c.Key("command").Exists() {
				continue // the image's entrypoint may be a shell
			}
			for _, w := range words {
				if found := braces.FindString(w.String()); found != "" {
					f.At(b.Object, w, "%s stands in the command of the container %s, and no shell replaces it", found, c.Called)
				}
			}
		}
	}
}

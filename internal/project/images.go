package project

import (
	"slices"
	"strings"
)

// Images are the Dockerfiles of which one makes the project's image: that of the root called Dockerfile, where there is one,
// else all.
func (p *Project) Images() (all []Dockerfile) {
	for _, d := range p.Dockerfiles {
		switch {
		case d.Final() < 0:
		case d.File == "Dockerfile":
			return []Dockerfile{d}
		default:
			all = append(all, d)
		}
	}
	return all
}

// Image is the one Dockerfile that makes the project's image; not ok where it is not known which one does, or it could not be read.
func (p *Project) Image() (d Dockerfile, ok bool) {
	if all := p.Images(); len(all) == 1 && all[0].Broken == "" {
		return all[0], true
	}
	return Dockerfile{}, false
}

// Gets says whether mix release sees a file of the project where the image is built: Known that it does, Absent that it does
// not, Unknown where that is not known, or images are built that differ in it. Why says why it is not Known, and at where that
// stands.
func (p *Project) Gets(file string) (state State, why string, at Pos) {
	out, images := 0, p.Images()
	for _, d := range images {
		reason, place, sure := d.LeftOut(file)
		if reason == "" {
			continue
		}
		why, at = reason, place
		if !sure {
			return Unknown, why, at
		}
		out++
	}
	switch out {
	case 0:
		return Known, "", Pos{}
	case len(images):
		return Absent, why, at
	}
	return Unknown, why + ", and another Dockerfile does otherwise", at
}

// Runs are the words that a container of the image is started with: its own command and arguments, and for what these do not
// say those of the image. What a shell reads is behind sh -c.
func (d Dockerfile) Runs(command, args []string) []string {
	if len(command) > 0 {
		return slices.Concat(command, args)
	}
	entry, ok := d.Last(d.Final(), "ENTRYPOINT")
	if ok && !entry.Exec {
		return entry.Argv() // which leaves out what is behind it
	}
	if cmd, has := d.Last(d.Final(), "CMD"); has && len(args) == 0 {
		args = cmd.Argv()
	}
	return slices.Concat(entry.Words, args)
}

// Argv are the words of CMD, ENTRYPOINT or RUN as the kernel gets them: in the shell's form sh has them as one text.
func (i Instruction) Argv() []string {
	if i.Exec || len(i.Words) == 0 {
		return i.Words
	}
	return []string{"sh", "-c", strings.Join(i.Words, " ") + i.Document}
}

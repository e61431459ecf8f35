package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/plan"
)

// mount is a path in the container and the directory that stands for it here.
type mount struct {
	path, dir string
	volume    string
	cookie    bool
	files     map[string]string // what the volume holds; nil: it starts empty
	given     bool              // what it should hold is not known here
}

// mounts are ordered so that of two that fit, the deeper comes first.
type mounts []mount

// mountsOf gives each volume of a replica a directory below dir. Secrets and
// ConfigMaps end with the engine, as does what is emptyDir in a pod; claims stay.
func mountsOf(w *workload, p *plan.Plan, dir string) mounts {
	var all mounts
	for _, vm := range w.container.VolumeMounts {
		m := mount{path: strings.TrimSuffix(vm.MountPath, "/"), volume: vm.Name}
		kind := "volumes"
		if i := slices.IndexFunc(w.template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == vm.Name }); i >= 0 {
			kind = m.fill(&w.template.Spec.Volumes[i], p)
		} else if slices.ContainsFunc(w.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == vm.Name }) {
			kind = "claims"
		}
		m.dir = filepath.Join(dir, kind, vm.Name, vm.SubPath)
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b mount) int { return len(b.path) - len(a.path) })
	for i := range all { // files speak of paths, too
		for name, text := range all[i].files {
			all[i].files[name] = all.rewrite(text)
		}
	}
	return all
}

// fill says what a volume holds, and under which directory it is kept.
func (m *mount) fill(v *corev1.Volume, p *plan.Plan) (kind string) {
	switch {
	case v.Secret != nil && v.Secret.SecretName == p.Cookie.SecretName:
		m.cookie = true
		return "secrets"
	case v.ConfigMap != nil && p.ConfigMap != nil && v.ConfigMap.Name == p.ConfigMap.Name:
		m.files = map[string]string{}
		for name, text := range p.ConfigMap.Data {
			m.files[name] = text
		}
		return "secrets"
	case v.Secret != nil, v.ConfigMap != nil, v.Projected != nil, v.DownwardAPI != nil, v.CSI != nil:
		m.given = true
		return "secrets"
	case v.PersistentVolumeClaim != nil:
		return "claims"
	}
	return "volumes"
}

// rewrite puts the directory in the place of each path of the container.
func (ms mounts) rewrite(s string) string {
	if !strings.Contains(s, "/") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		m := ms.at(s, i)
		if m == nil {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(m.dir)
		i += len(m.path)
	}
	return b.String()
}

// at gives the mount whose path, or one below it, stands at s[i:].
func (ms mounts) at(s string, i int) *mount {
	if s[i] != '/' || i > 0 && inPath(s[i-1]) {
		return nil
	}
	for j := range ms {
		rest, ok := strings.CutPrefix(s[i:], ms[j].path)
		if ok && ms[j].path != "" && (rest == "" || rest[0] == '/' || !inPath(rest[0])) {
			return &ms[j]
		}
	}
	return nil
}

func inPath(c byte) bool {
	return c == '/' || c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// pointedTo tells the mounts that some text speaks of from those that nobody does.
func (ms mounts) pointedTo(texts []string) (used, unused mounts) {
	hit := map[string]bool{}
	for _, s := range texts {
		for i := range len(s) {
			if m := ms.at(s, i); m != nil {
				hit[m.path] = true
			}
		}
	}
	for _, m := range ms {
		if hit[m.path] {
			used = append(used, m)
		} else {
			unused = append(unused, m)
		}
	}
	return used, unused
}

// make makes the directories and writes what they hold.
func (ms mounts) make(cookie string) error {
	for _, m := range ms {
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return err
		}
		files := m.files
		if m.cookie {
			files = map[string]string{plan.CookieKey: cookie}
		}
		for name, text := range files {
			if err := host.WriteFile(filepath.Join(m.dir, name), []byte(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// clearVolumes takes away what ends with the pod. A crash dump stays for whoever wants
// to know what happened.
func clearVolumes(dir string) {
	os.RemoveAll(filepath.Join(dir, "secrets")) //nolint:errcheck // it is in nobody's way
	volumes := filepath.Join(dir, "volumes")
	var dumps bool
	filepath.WalkDir(volumes, func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // usually not there
		if err == nil && d.Type().IsRegular() {
			if d.Name() == filepath.Base(plan.FileCrashDump) {
				dumps = true
			} else {
				err = os.Remove(path)
			}
		}
		if errors.Is(err, fs.ErrPermission) {
			return fs.SkipDir
		}
		return nil
	})
	if !dumps {
		os.RemoveAll(volumes) //nolint:errcheck // it is in nobody's way
	}
}

package intent

import (
	"fmt"
	"strings"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// environment is what a container starts with.
type environment struct {
	vars map[string]mesh.Setting
	// rest says why it is not known which others there are; empty: there are none.
	rest string
	// lost says why anything may have been set that is not in vars, in the container itself; empty: nothing was.
	lost string
	// machine is where the machine's address is put into a variable; empty: nowhere.
	machine string
	// cookie is what rel/env.sh leaves of the cookie, as far as its text is known.
	cookie []envsh.Part
}

// get is a variable as it will be; ok where it is set, or may be.
func (e environment) get(name string) (v mesh.Setting, ok bool) {
	if v, ok = e.vars[name]; ok {
		return v, true
	}
	if e.lost != "" {
		return mesh.NotKnown(e.lost, ""), true
	}
	if e.rest != "" {
		return mesh.NotKnown(name+" may be set by "+e.rest, ""), true
	}
	return mesh.Setting{}, false
}

// containerEnv is the environment of a replica's container, on top of the image's own, over
// which the container runtime puts the host name.
func (b *builder) containerEnv(w Runs, c manifest.Container, r *mesh.Replica) environment {
	e := environment{vars: map[string]mesh.Setting{}}
	for k, v := range b.app.Image {
		e.vars[k] = v
	}
	delete(e.vars, hostname)
	for f := range c.Key("envFrom").Items() {
		b.from(&e, f)
	}
	for v := range c.Env() {
		e.vars[v.Called] = b.value(&e, w, v, r)
	}
	if _, set := e.vars[hostname]; !set { // last: the kubelet has no value for $(HOSTNAME)
		e.vars[hostname] = b.hostname(w, r)
		if e.rest != "" {
			e.vars[hostname] = mesh.NotKnown(hostname+" may be set by "+e.rest, "")
		}
	}
	return e
}

const hostname = "HOSTNAME"

// from takes over a whole ConfigMap or Secret.
func (b *builder) from(e *environment, f manifest.Field) {
	prefix := f.Key("prefix").String()
	for _, kind := range []struct{ key, kind string }{{"configMapRef", "ConfigMap"}, {"secretRef", "Secret"}} {
		ref := f.Key(kind.key)
		name := ref.Key("name").String()
		if name == "" {
			continue
		}
		o := b.set.Find(f.Object(), kind.kind, name)
		if o == nil {
			e.rest = kind.kind + " " + name + ", which is not in what was read"
			continue
		}
		for _, part := range []string{"data", "stringData"} {
			for k, v := range o.At(part).Fields() {
				s := mesh.Setting{Value: v.String(), From: v.Position().String()}
				if kind.kind == "Secret" {
					s = b.secret(o, k, v)
				}
				e.vars[prefix+k] = s
			}
		}
	}
}

// secret stands for a value of a Secret: known to be the same wherever it is used, and
// never shown.
func (b *builder) secret(o *manifest.Object, key string, at manifest.Field) mesh.Setting {
	called := secretName(b.namespace(o), o.Name, key)
	b.hold(called, o, key)
	return mesh.NotKnown(called, at.Position().String())
}

func secretName(namespace, name, key string) string {
	return fmt.Sprintf("it is in Secret %s, key %s", strings.TrimPrefix(namespace+"/"+name, "/"), key)
}

// value is one entry of env.
func (b *builder) value(e *environment, w Runs, v manifest.EnvVar, r *mesh.Replica) mesh.Setting {
	from := v.From()
	if !from.IsMap() {
		return expand(*e, v)
	}
	at := v.Position().String()
	for kind, ref := range from.Fields() {
		switch kind {
		case "fieldRef":
			path := ref.Key("fieldPath").String()
			if path == "status.hostIP" || path == "status.hostIPs" {
				if w.Pod.Key("hostNetwork").True() { // the pod has no other
					return mesh.Setting{Value: r.IP, From: at}
				}
				e.machine = at
				return mesh.Setting{Value: machine(r.IP), From: at}
			}
			return field(path, r, at)
		case "secretKeyRef":
			name, key := ref.Key("name").String(), ref.Key("key").String()
			called := secretName(r.Namespace, name, key)
			b.hold(called, b.set.Find(v.Object(), "Secret", name), key)
			return mesh.NotKnown(called, at)
		case "configMapKeyRef":
			name, key := ref.Key("name").String(), ref.Key("key").String()
			if o := b.set.Find(v.Object(), "ConfigMap", name); o != nil {
				if f := o.At("data").Key(key); f.Exists() {
					return mesh.Setting{Value: f.String(), From: f.Position().String()}
				}
			}
			return mesh.NotKnown("it is in ConfigMap "+name+", key "+key+", which is not in what was read", at)
		}
	}
	return mesh.NotKnown("it is set by the cluster", at)
}

// machine is the address of the machine that a pod runs on, made up: no pod has it.
func machine(pod string) string {
	parts := strings.Split(pod, ".")
	return strings.Join(append([]string{"192", "168"}, parts[min(2, len(parts)):]...), ".")
}

// field is the downward API, as far as a node's name may hang on it.
func field(path string, r *mesh.Replica, at string) mesh.Setting {
	s := mesh.Setting{From: at}
	switch path {
	case "status.podIP", "status.podIPs":
		s.Value = r.IP
	case "metadata.name":
		s.Value = r.Pod
	case "metadata.namespace":
		s.Value = r.Namespace
	default:
		if key, ok := strings.CutPrefix(path, "metadata.labels['"); ok {
			if v, ok := r.Labels[strings.TrimSuffix(key, "']")]; ok {
				s.Value = v
				return s
			}
		}
		return mesh.NotKnown("the cluster sets "+path, at)
	}
	return s
}

// expand puts values for $(NAME) of what stands above; what is not there stays as it is,
// as the kubelet leaves it (NAM-07).
func expand(e environment, v manifest.EnvVar) mesh.Setting {
	text, at := v.Value().String(), v.Value().Position().String()
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		out.WriteString(before)
		if !ok {
			return mesh.Setting{Value: out.String(), From: at}
		}
		switch {
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			text = rest[1:]
		case strings.HasPrefix(rest, "("):
			name, after, closed := strings.Cut(rest[1:], ")")
			if !closed {
				out.WriteByte('$')
				text = rest
				continue
			}
			switch known, set := e.get(name); {
			case set && !known.Known():
				return mesh.NotKnown(known.Why, at)
			case set:
				out.WriteString(known.Value)
			default:
				out.WriteString("$(" + name + ")")
			}
			text = after
		default:
			out.WriteByte('$')
			text = rest
		}
	}
}

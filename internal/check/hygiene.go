package check

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// hygiene are rules about manifests as such, as far as a release suffers from them.
var hygiene = []Rule{
	{
		Code: "K8S-01", Title: "an image that may be another tomorrow",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Images of releases without a tag, or with the tag latest, that no kustomization gives another.",
		Why:   "Pods of one rollout may run different builds in one mesh, and there is no way back to the one before.",
		Fix:   "name the version, or the digest: phial build --pin writes it into the manifests",
		Check: floatingImage,
	},
	{
		Code: "K8S-02", Title: "pods that are not rolled out",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Releases as bare Pods, ReplicaSets and ReplicationControllers; several workloads with one selector in a file or a directory, and as a hint in others, where their images differ; one workload twice in a file; no replicas.",
		Why:   "Nothing replaces them by a new version, and pods that two controllers select are counted by both.",
		Fix:   "use a Deployment or a StatefulSet, each with labels of its own",
		Check: notRolledOut,
	},
	{
		Code: "K8S-03", Title: "an API version that is gone",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "apiVersion of every object, against those that Kubernetes no longer serves.",
		Why:   "The API server knows no such kind: nothing of it is applied.",
		Fix:   "use the version that has taken its place",
		Mends: true,
		Check: removedVersion,
	},
	{
		Code: "K8S-05", Title: "an Ingress or route that leads nowhere",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Backends of Ingresses, and of the Gateway API's HTTPRoutes and GRPCRoutes, against Services and their ports.",
		Why:   "The ingress controller, or the gateway, answers 404, 500 or 503.",
		Fix:   "name a Service and a port that there are",
		Check: func(in *Input, f *Finder) {
			ingressBackends(in, f)
			routeBackends(in, f)
		},
	},
	{
		Code: "K8S-06", Title: "HOSTNAME is taken",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "HOSTNAME in a release's environment.",
		Why:   "The container runtime and the shell set it to the pod's name; the start script and tools that read it get something else.",
		Fix:   "use another name, such as POD_IP",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Beams() {
				for c := range b.Containers() {
					if e, ok := c.EnvVar("HOSTNAME"); ok && e.At("valueFrom.fieldRef.fieldPath").String() != "metadata.name" {
						f.At(b.Object, e.Key("name"), "the container %s has a HOSTNAME that is not its pod's name", c.Called)
					}
				}
			}
		},
	},
	{
		Code: "K8S-07", Title: "source from one machine",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Volumes by hostPath that a release mounts, and images that are never pulled.",
		Why:   "They are on one machine, and pods run on any.",
		Fix:   "put it into the image",
		Check: oneMachine,
	},
	{
		Code: "SEC-01", Title: "a secret in a manifest",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Literal values of variables that are called as secrets are, the same in ConfigMaps and in generators of kustomizations, and Secrets in files.",
		Why:   "It is in the repository, in its history, and in the sight of everybody who may read Deployments.",
		Fix:   "keep it in a Secret that is made elsewhere (external-secrets, SOPS, sealed secrets), and refer to it: valueFrom.secretKeyRef",
		Check: func(in *Input, f *Finder) {
			literalSecret(in, f)
			secretInMap(in, f)
		},
	},
}

func floatingImage(in *Input, f *Finder) {
	named := map[string]bool{}
	for _, o := range in.Objects.OfKind("Kustomization") {
		for i := range o.At("images").Items() {
			if i.Key("newTag").Exists() || i.Key("digest").Exists() {
				named[i.Key("name").String()] = true
			}
		}
	}
	for _, b := range in.Beams() {
		at := b.Container.Key("image")
		image, ok := at.Text()
		name := imageName(b.Container)
		if !ok || strings.Contains(image, "@") || named[name] || named[image] || strings.Contains(image, "$") {
			continue
		}
		switch tag := strings.TrimPrefix(strings.TrimPrefix(image, name), ":"); tag {
		case "":
			f.At(b.Object, at, "the image %s has no tag, which means latest", image)
		case "latest":
			f.At(b.Object, at, "the image's tag is latest")
		}
	}
}

func notRolledOut(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		switch b.Kind {
		case "ReplicationController", "ReplicaSet":
			f.At(b.Object, b.At("kind"), "a %s keeps pods and does not roll them out", b.Kind)
		case "Pod":
			f.At(b.Object, b.At("kind"), "a Pod by itself is not made anew when its machine goes")
		}
		if n, at, ok := b.Replicas(); ok && n == 0 && at.Exists() && in.rollout(b.Object) == nil {
			f.At(b.Object, at, "there are to be no replicas").As(finding.Info, Hint).Mend("set replicas, or take it out and leave it to the autoscaler")
		}
	}
	sameSelector(in, f)
}

// rollout is Argo's Rollout that takes a workload's pods for its own (workloadRef); nil: none does.
func (in *Input) rollout(of *manifest.Object) *manifest.Object {
	for _, o := range in.Objects.OfKind(manifest.Rollout) {
		ref := o.At("spec.workloadRef")
		if ref.Key("name").String() == of.Name && ref.Key("kind").String() == of.Kind && manifest.SameNamespace(o, of) {
			return o
		}
	}
	return nil
}

// sameSelector finds workloads that select the same pods. Those of different directories may be alternatives, as k8s/minikube
// and k8s/gke are: then only what runs other images is worth a look.
func sameSelector(in *Input, f *Finder) {
	type controller struct{ place, namespace, selector string }
	type identity struct{ file, kind, namespace, name string }
	first, twins := map[controller]manifest.Workload{}, map[identity]*manifest.Object{}
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		for _, o := range in.Objects.OfKind(kind) {
			w, ok := o.Workload()
			selector := o.At("spec.selector.matchLabels")
			if !ok || selector.Len() == 0 || o.At("spec.selector.matchExpressions").Exists() {
				continue
			}
			var parts []string
			for name, v := range selector.Fields() {
				parts = append(parts, name+"="+v.String())
			}
			id := identity{o.File, o.Kind, o.Namespace, o.Name}
			if twin := twins[id]; twin != nil {
				f.At(o, o.At("metadata.name"), "%s is there twice, and the one that is applied last is left", o.Label()).Also(twin.At("metadata.name"), "the other one").
					Mend("take one of them out, or name it otherwise")
				continue
			}
			twins[id] = o
			here := controller{appliedWith(o), o.Namespace, strings.Join(parts, ",")}
			anywhere := controller{"", here.namespace, here.selector}
			other, twice := first[here]
			if !twice {
				first[here] = w
			}
			if twice && !sameWorkload(other, w) {
				f.At(o, selector, "%s selects the same pods", other.Label()).Also(other.At("spec.selector.matchLabels"), "the other one")
				continue
			}
			other, twice = first[anywhere]
			if !twice {
				first[anywhere] = w
				continue
			}
			if !sameWorkload(other, w) && appliedWith(other.Object) != here.place && !sameImages(other, w) {
				f.At(o, selector, "%s selects the same pods", other.Label()).Also(other.At("spec.selector.matchLabels"), "the other one").
					As(finding.Info, Hint).Saw("they lie in different directories, and may be alternatives")
			}
		}
	}
}

// appliedWith is what an object is applied together with: its directory, or what came by standard input.
func appliedWith(o *manifest.Object) string {
	if o.File == manifest.StdinName {
		return o.File
	}
	return filepath.Dir(o.File) + string(filepath.Separator)
}

func sameWorkload(a, b manifest.Workload) bool { return a.Kind == b.Kind && a.Name == b.Name }

func sameImages(a, b manifest.Workload) bool {
	for c := range a.Containers() {
		if runsImage(b, imageName(c)) {
			return true
		}
	}
	return false
}

// gone are versions that are no longer served, the release of Kubernetes since when, and what has taken their place. Edits
// are made where the objects are otherwise the same.
var gone = map[string]map[string]struct {
	since, now string
	same       bool
}{
	"extensions/v1beta1": {
		"Deployment": {"1.16", "apps/v1", false}, "DaemonSet": {"1.16", "apps/v1", false}, "ReplicaSet": {"1.16", "apps/v1", false},
		"NetworkPolicy": {"1.16", "networking.k8s.io/v1", true}, "PodSecurityPolicy": {"1.16", "", false}, "Ingress": {"1.22", "networking.k8s.io/v1", false},
	},
	"apps/v1beta1":              {"Deployment": {"1.16", "apps/v1", false}, "StatefulSet": {"1.16", "apps/v1", false}},
	"apps/v1beta2":              {"Deployment": {"1.16", "apps/v1", true}, "StatefulSet": {"1.16", "apps/v1", true}, "DaemonSet": {"1.16", "apps/v1", true}, "ReplicaSet": {"1.16", "apps/v1", true}},
	"networking.k8s.io/v1beta1": {"Ingress": {"1.22", "networking.k8s.io/v1", false}, "IngressClass": {"1.22", "networking.k8s.io/v1", true}},
	"policy/v1beta1":            {"PodDisruptionBudget": {"1.25", "policy/v1", true}, "PodSecurityPolicy": {"1.25", "", false}},
	"batch/v1beta1":             {"CronJob": {"1.25", "batch/v1", true}},
	"batch/v2alpha1":            {"CronJob": {"1.21", "batch/v1", true}},
	"autoscaling/v2beta1":       {"HorizontalPodAutoscaler": {"1.25", "autoscaling/v2", false}},
	"autoscaling/v2beta2":       {"HorizontalPodAutoscaler": {"1.26", "autoscaling/v2", true}},
	"rbac.authorization.k8s.io/v1beta1": {
		"Role": {"1.22", "rbac.authorization.k8s.io/v1", true}, "RoleBinding": {"1.22", "rbac.authorization.k8s.io/v1", true},
		"ClusterRole": {"1.22", "rbac.authorization.k8s.io/v1", true}, "ClusterRoleBinding": {"1.22", "rbac.authorization.k8s.io/v1", true},
	},
	"apiextensions.k8s.io/v1beta1": {"CustomResourceDefinition": {"1.22", "apiextensions.k8s.io/v1", false}},
	"admissionregistration.k8s.io/v1beta1": {
		"ValidatingWebhookConfiguration": {"1.22", "admissionregistration.k8s.io/v1", false}, "MutatingWebhookConfiguration": {"1.22", "admissionregistration.k8s.io/v1", false},
	},
	"storage.k8s.io/v1beta1":      {"StorageClass": {"1.22", "storage.k8s.io/v1", true}, "CSIDriver": {"1.22", "storage.k8s.io/v1", true}, "CSINode": {"1.22", "storage.k8s.io/v1", true}, "VolumeAttachment": {"1.22", "storage.k8s.io/v1", true}, "CSIStorageCapacity": {"1.27", "storage.k8s.io/v1", true}},
	"scheduling.k8s.io/v1beta1":   {"PriorityClass": {"1.22", "scheduling.k8s.io/v1", true}},
	"coordination.k8s.io/v1beta1": {"Lease": {"1.22", "coordination.k8s.io/v1", true}},
	"certificates.k8s.io/v1beta1": {"CertificateSigningRequest": {"1.22", "certificates.k8s.io/v1", false}},
	"discovery.k8s.io/v1beta1":    {"EndpointSlice": {"1.25", "discovery.k8s.io/v1", false}},
	"events.k8s.io/v1beta1":       {"Event": {"1.25", "events.k8s.io/v1", false}},
	"node.k8s.io/v1beta1":         {"RuntimeClass": {"1.25", "node.k8s.io/v1", true}},
}

func removedVersion(in *Input, f *Finder) {
	for _, o := range in.Objects.Objects {
		v, ok := gone[o.APIVersion][o.Kind]
		if !ok {
			continue
		}
		at := o.At("apiVersion")
		n := f.At(o, at, "Kubernetes %s and later know no %s of %s", v.since, o.Kind, o.APIVersion)
		switch {
		case v.now == "":
			n.Mend("take it out: nothing has taken its place but admission by namespace labels")
		case v.same:
			n.Mend("write apiVersion: %s; the fields are the same", v.now).Edited(in.Objects.Replace(at, v.now))
		default:
			n.Mend("write apiVersion: %s, and see which fields have changed: kubectl explain %s", v.now, strings.ToLower(o.Kind))
		}
	}
}

var laptop = regexp.MustCompile(`^(/home/|/Users/|/mnt/[a-z]/|/run/desktop|\.|~|[A-Za-z]:\\)`)

func oneMachine(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		mounted := map[string]manifest.Field{}
		for m := range b.Container.Key("volumeMounts").Items() {
			mounted[m.Key("name").String()] = m.Key("mountPath")
		}
		for v := range b.Pod.Key("volumes").Items() {
			at := v.At("hostPath.path")
			mount, ok := mounted[v.Key("name").String()]
			if !at.Exists() || !ok {
				continue
			}
			n := f.At(b.Object, at, "%s of the machine is mounted at %s", at, mount).Also(mount, "mounted here")
			if !laptop.MatchString(at.String()) && !strings.HasPrefix(mount.String(), "/app") {
				n.As(finding.Info, Hint)
			}
		}
		if at := b.Container.Key("imagePullPolicy"); at.String() == "Never" {
			f.At(b.Object, at, "the image is never pulled: it has to be on every machine already").Mend("set imagePullPolicy to IfNotPresent, and push the image to a registry")
		}
	}
}

// placeholder is a value that stands for one.
var placeholder = regexp.MustCompile(`(?i)^(<.*>|\$.*|change-?_?me.*|replace.*|xxx+|todo|your[-_ ].*|example|\.\.\.|\*+|)$`)

// notSecret are names that look like a secret's and hold none.
var notSecret = regexp.MustCompile(`(?i)(_FILE|_PATH|_DIR|_NAME|_LENGTH|_TTL|_AGE|_ENABLED|_URL_HOST|_KEY_ID|_EXPIR[A-Z_]*)$|^(PHIAL_|TOKENIZER|MAX_TOKENS)`)

// password is one in a URL.
var password = regexp.MustCompile(`://[^/@\s:$]*:([^/@\s$]+)@`)

// secretIn says whether a variable has a password in its URL, or is a secret itself. Cookies have rules of their own.
func secretIn(name, value string) (inURL, itself bool) {
	if strings.HasSuffix(name, "COOKIE") || placeholder.MatchString(value) {
		return false, false
	}
	url := password.FindStringSubmatch(value)
	inURL = url != nil && !placeholder.MatchString(url[1])
	return inURL, !strings.Contains(value, "://") && secretName.MatchString(name) && !notSecret.MatchString(name) && len(value) >= 6 && !strings.HasPrefix(value, "/")
}

func literalSecret(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			for e := range c.Env() {
				value, ok := e.Value().Text()
				if !ok || strings.Contains(value, "$(") {
					continue
				}
				switch inURL, itself := secretIn(e.Called, value); {
				case inURL:
					f.AtName(b.Object, e.Value(), "%s has a password in it", e.Called).Secret()
				case itself:
					f.AtName(b.Object, e.Value(), "%s stands in the manifest for everybody to read", e.Called).Secret()
				}
			}
		}
	}
	for _, o := range in.Objects.OfKind("Secret") {
		if o.File == manifest.StdinName || o.Origin != "" || o.At("sops").Exists() || o.At("type").String() == "kubernetes.io/service-account-token" {
			continue // made just now, or encrypted
		}
		for _, part := range []string{"stringData", "data"} {
			filled := false
			for _, v := range o.At(part).Fields() {
				text := v.String()
				filled = filled || !placeholder.MatchString(text) && !strings.HasPrefix(text, "ENC[")
			}
			if filled {
				f.AtName(o, o.At(part), "this Secret is in a file; if that is in a repository, so is the secret").As(finding.Info, Hint)
				break
			}
		}
	}
}

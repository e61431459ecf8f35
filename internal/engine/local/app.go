package local

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// agentHere stands for the agent's image: this engine is every replica's agent.
const agentHere = "phial"

// planOf makes the plan that o asks for. release is the name of the release, or empty
// where it is not known yet. told says what o replaced in the caller's BeamApp.
func planOf(o Options, release string) (c *cast, told []string, err error) {
	app, told, err := o.beamApp(release)
	if err != nil {
		return nil, nil, err
	}
	p, err := plan.New(app, plan.Options{AgentImage: agentHere})
	if err != nil {
		return nil, nil, err
	}
	if c, err = newCast(p); err != nil {
		return nil, nil, err
	}
	o.replace(c)
	return c, told, nil
}

// replace puts times that a BeamApp can't say in the place of the plan's.
func (o *Options) replace(c *cast) {
	for _, w := range c.all() {
		if o.Grace != 0 {
			w.grace = o.Grace
		}
		switch {
		case o.EndpointDelay != 0:
			w.delay = max(o.EndpointDelay, 0)
		case o.App == nil:
			w.delay = DefaultEndpointDelay
		}
	}
}

// beamApp is o.App with what the other fields replace in it, or one made of them
// alone.
func (o *Options) beamApp(release string) (app *v1alpha1.BeamApp, told []string, err error) {
	if o.App == nil {
		return o.madeApp(release), nil, nil
	}
	app = o.App.DeepCopy()
	spec := &app.Spec
	tell := func(flag, is, was string) {
		if is != was {
			told = append(told, fmt.Sprintf("%s %s, in place of %s in %s", flag, is, was, o.appFile()))
		}
	}
	if o.Name != "" && o.Name != app.Name {
		tell("--name", o.Name, app.Name)
		if spec.ReleaseName == "" {
			spec.ReleaseName = defaulted(app).Spec.ReleaseName // the release keeps its name
		}
		app.Name = o.Name
	}
	was := defaulted(app)
	if o.Namespace != "" {
		if app.Namespace != "" {
			tell("--namespace", o.Namespace, app.Namespace)
		}
		app.Namespace = o.Namespace
	}
	if app.Namespace == "" {
		app.Namespace = DefaultNamespace
	}
	if o.Replicas != 0 {
		n := int32(o.Replicas)
		before := strconv.Itoa(int(*was.Spec.Replicas))
		if spec.Autoscaling != nil {
			before, spec.Autoscaling = "autoscaling", nil
		}
		tell("--replicas", strconv.Itoa(o.Replicas), before)
		spec.Replicas = &n
	}
	if o.Identity != "" {
		if was.Spec.Type != v1alpha1.Clustered {
			return nil, nil, fmt.Errorf("--identity %s: %s is of type %s, and its nodes are not named for others (%s)", o.Identity, app.Name, was.Spec.Type, o.appFile())
		}
		tell("--identity", string(o.Identity), strings.ToLower(string(was.Spec.Clustered.Identity)))
		if spec.Clustered == nil {
			spec.Clustered = &v1alpha1.ClusteredSpec{}
		}
		spec.Clustered.Identity = o.Identity.inAPI()
	}
	if o.NoHTTP && spec.HTTP != nil {
		told = append(told, "--no-http, in place of http in "+o.appFile())
		spec.HTTP, spec.Health.Path, spec.Health.LivePath = nil, "", ""
	}
	if o.Grace != 0 {
		told = append(told, fmt.Sprintf("--grace %v, in place of what shutdown adds up to in %s", o.Grace, o.appFile()))
	}
	o.setValues(spec)
	return app, told, nil
}

// checkValues refuses values for names that are the plan's.
func (o *Options) checkValues() error {
	for _, name := range sortedKeys(o.Values) {
		owned := slices.Contains([]string{beam.EnvPort, beam.EnvPhoenixServer, beam.EnvElixirErlOptions, beam.EnvErlZFlags,
			beam.EnvErlEPMDPort, beam.EnvErlEPMDAddress, beam.EnvPodName, beam.EnvPodNamespace, beam.EnvPodIP}, name)
		for _, prefix := range []string{"RELEASE_", "PHIAL_", beam.EnvErlCrashDump} {
			owned = owned || strings.HasPrefix(name, prefix)
		}
		if owned {
			return fmt.Errorf("%s is for Phial to set: leave it out of --env and --env-file", name)
		}
	}
	return nil
}

// appFile is what the caller's BeamApp is called in a text.
func (o *Options) appFile() string {
	if o.AppFile == "" {
		return "the BeamApp"
	}
	return o.AppFile
}

// warning is what the plan warns of, as phial render says it.
func (o *Options) warning(w plan.Warning) string {
	text := "warning: " + w.Path + ": " + w.Text
	if o.At != nil {
		text = o.At(w.Path) + ": " + text
	}
	if w.Code != "" {
		text += " (phial explain " + w.Code + ")"
	}
	return text
}

// madeApp is the BeamApp of a release that has none. Its grace period is shorter than
// a BeamApp's own default: nobody at a laptop waits for a load balancer.
func (o *Options) madeApp(release string) *v1alpha1.BeamApp {
	app := &v1alpha1.BeamApp{}
	app.Name, app.Namespace = o.Name, o.Namespace
	if app.Namespace == "" {
		app.Namespace = DefaultNamespace
	}
	n := int32(o.Replicas)
	if n == 0 {
		n = DefaultReplicas
	}
	identity := o.Identity
	if identity == "" {
		identity = IdentityAddress
	}
	stop := int32(DefaultGrace / time.Second / 2)
	spec := &app.Spec
	spec.Type, spec.ReleaseName, spec.Replicas = v1alpha1.Clustered, release, &n
	spec.Clustered = &v1alpha1.ClusteredSpec{Identity: identity.inAPI(), Discovery: v1alpha1.DiscoveryPhial}
	spec.Shutdown = v1alpha1.ShutdownSpec{EndpointDelaySeconds: new(int32), DrainTimeoutSeconds: &stop, StopTimeoutSeconds: &stop}
	if !o.NoHTTP {
		spec.HTTP = &v1alpha1.HTTPSpec{}
	}
	o.setValues(spec)
	return app
}

// setValues puts o.Values in the place of what the BeamApp says of the same names.
func (o *Options) setValues(spec *v1alpha1.BeamAppSpec) {
	set := func(env []corev1.EnvVar) []corev1.EnvVar {
		env = slices.Clone(env)
		for i, e := range env {
			if v, ok := o.Values[e.Name]; ok {
				env[i] = literal(e.Name, v)
			}
		}
		return env
	}
	app := set(spec.Env)
	for i := range spec.Pipelines {
		spec.Pipelines[i].Env = set(spec.Pipelines[i].Env)
	}
	for _, name := range sortedKeys(o.Values) {
		if !slices.ContainsFunc(app, func(e corev1.EnvVar) bool { return e.Name == name }) {
			app = append(app, literal(name, o.Values[name]))
		}
	}
	spec.Env = app
}

// literal is a variable whose value is taken as it stands.
func literal(name, value string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, Value: strings.ReplaceAll(value, "$", "$$")}
}

func defaulted(app *v1alpha1.BeamApp) *v1alpha1.BeamApp {
	app = app.DeepCopy()
	v1alpha1.SetDefaults(app)
	return app
}

// inAPI is the identity as a BeamApp writes it.
func (i Identity) inAPI() v1alpha1.Identity {
	if i == IdentityStable {
		return v1alpha1.Stable
	}
	return v1alpha1.Address
}

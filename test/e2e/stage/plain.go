package stage

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"text/template"

	"github.com/phialdev/phial/internal/plan"
)

// plainManifest is what a team writes that has no Phial: a Deployment, its Service and its
// Ingress. The environment is that of the plan, without what is the agent's.
//
//go:embed plain.yaml.tmpl
var plainManifest string

// Plain is an app without Phial.
type Plain struct {
	Name, Image string
	Replicas    int
	Sleep       int               // seconds that a preStop hook sleeps; 0: there is none
	Env         map[string]string // further environment
}

// DeployPlain makes a namespace, the Secret, and what is in plainManifest.
func (s *Stage) DeployPlain(ctx context.Context, namespace string, p Plain) (*App, error) {
	if err := s.Namespace(ctx, namespace); err != nil {
		return nil, err
	}
	a := &App{Stage: s, Namespace: namespace, Name: p.Name}
	if err := a.Secret(ctx, map[string]string{plan.CookieKey: rand.Text()}); err != nil {
		return nil, err
	}
	t, err := template.New("plain").Parse(plainManifest)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		Plain
		Namespace, Host, Secret string
	}{p, namespace, IngressHost(namespace), plan.CookieSecretName(p.Name)}); err != nil {
		return nil, err
	}
	_, _, err = s.Kubectl(ctx, b.Bytes(), "apply", "--server-side", "-f", "-")
	return a, err
}

// Cookie is the one that the app's nodes were started with.
func (a *App) Cookie() string { return a.data[plan.CookieKey] }

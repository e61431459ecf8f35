package ingress

import (
	"bytes"
	_ "embed" // the manifest
	"fmt"
	"text/template"
)

// The ports of the controller's Service.
const (
	Port        = 80 // for requests; the Host header selects the Ingress
	SupportPort = 9911
)

// Name is that of the Deployment, the ServiceAccount, the Service, and all else.
const Name = "skipper"

// arguments are what skipper needs to be told to be an ingress controller; its documentation's examples have the same.
func arguments() []string {
	return []string{
		"-address=:9090",
		"-kubernetes",
		"-enable-kubernetes-endpointslices", // Endpoints are deprecated, and truncated
		"-kubernetes-path-mode=path-prefix", // what pathType ImplementationSpecific means
		"-wait-first-route-load",            // it listens, and is ready, when it knows where to send requests
		"-proxy-preserve-host",
		"-access-log-disabled",
		"-wait-for-healthcheck-interval=1s", // nothing stands before it that would need the default of 45 seconds when it ends
	}
}

//go:embed manifest.yaml.tmpl
var manifest string

var parsed = template.Must(template.New("manifest").Parse(manifest))

// Manifest is the YAML of the controller's objects, to be applied after the namespace is there. It serves Ingresses of
// all namespaces and of every class.
func Manifest(namespace, image string) ([]byte, error) {
	var b bytes.Buffer
	err := parsed.Execute(&b, struct {
		Name, Namespace, Image string
		Args                   []string
		Port, SupportPort      int
	}{Name, namespace, image, append(arguments(), "-kubernetes-in-cluster"), Port, SupportPort})
	if err != nil {
		return nil, fmt.Errorf("manifest of %s: %w", Name, err)
	}
	return b.Bytes(), nil
}

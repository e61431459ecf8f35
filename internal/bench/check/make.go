package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// perApp objects make one app of a fleet.
const perApp = 6

// perFile apps stand in one file.
const perFile = 50

// fleet writes the manifests of many apps, as teams write them by hand: most are sound,
// and every tenth has a mistake or two.
func fleet(dir string, n int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	for i := range n / perApp {
		app(&b, i)
		if i%perFile == perFile-1 || i == n/perApp-1 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("apps-%05d.yaml", i/perFile)), b.Bytes(), 0o644); err != nil {
				return err
			}
			b.Reset()
		}
	}
	return nil
}

func app(b *bytes.Buffer, i int) {
	node, headless := "shop@$(POD_IP)", "None"
	if i%10 == 3 {
		node = "shop@$(hostname -f)"
	}
	if i%10 == 7 {
		headless = `""`
	}
	fmt.Fprintf(b, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-%[1]d, namespace: team-%[4]d, labels: {app: shop-%[1]d}}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop-%[1]d}}
  template:
    metadata: {labels: {app: shop-%[1]d}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: app
        image: registry.example.com/shop:1.0.%[1]d
        ports: [{name: http, containerPort: 4000}, {name: epmd, containerPort: 4369}]
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: RELEASE_DISTRIBUTION, value: name}
        - {name: RELEASE_NODE, value: %[2]s}
        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: shop-%[1]d, key: cookie}}}
        - {name: DNS_CLUSTER_QUERY, value: shop-%[1]d-headless.team-%[4]d.svc.cluster.local}
        - {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: shop-%[1]d, key: database}}}
        readinessProbe: {httpGet: {path: /health/ready, port: http}, periodSeconds: 5}
        livenessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, failureThreshold: 6}
        lifecycle: {preStop: {sleep: {seconds: 10}}}
        resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 512Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: shop-%[1]d, namespace: team-%[4]d}
spec: {selector: {app: shop-%[1]d}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop-%[1]d-headless, namespace: team-%[4]d}
spec: {clusterIP: %[3]s, publishNotReadyAddresses: true, selector: {app: shop-%[1]d}, ports: [{name: epmd, port: 4369}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop-%[1]d, namespace: team-%[4]d}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: shop-%[1]d}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop-%[1]d, namespace: team-%[4]d}
spec:
  rules: [{host: shop-%[1]d.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop-%[1]d, port: {name: http}}}}]}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-%[1]d, namespace: team-%[4]d}
data: {LOG_LEVEL: info, POOL_SIZE: "10", FEATURES: "a,b,c"}
`, i, node, headless, i%20)
}

// repository writes a mix project of many modules, and the usual files beside them.
func repository(dir string, n int) error {
	put := func(name, text string) error {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(text), 0o644)
	}
	texts := map[string]string{
		"mix.exs":            "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"1.0.0\", deps: [{:phoenix, \"~> 1.8\"}, {:dns_cluster, \"~> 0.2\"}]]\n  def application, do: [mod: {Shop.Application, []}]\nend\n",
		"config/config.exs":  "import Config\nconfig :shop, ShopWeb.Endpoint, url: [host: \"localhost\"]\n",
		"config/runtime.exs": "import Config\nconfig :shop, :dns_cluster_query, System.get_env(\"DNS_CLUSTER_QUERY\")\nconfig :shop, ShopWeb.Endpoint, server: true, http: [port: String.to_integer(System.get_env(\"PORT\") || \"4000\")]\n",
		"lib/shop/application.ex": "defmodule Shop.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link(children(), strategy: :one_for_one)\n" +
			"  defp children, do: [{DNSCluster, query: Application.get_env(:shop, :dns_cluster_query) || :ignore}, ShopWeb.Endpoint]\nend\n",
		"rel/env.sh.eex": "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@${POD_IP}\n",
	}
	for name, text := range texts {
		if err := put(name, text); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	app(&b, 0)
	if err := put("k8s/shop.yaml", b.String()); err != nil {
		return err
	}
	for i := range n {
		if err := put(fmt.Sprintf("lib/shop/part_%d/module_%d.ex", i/100, i), module(i)); err != nil {
			return err
		}
	}
	return nil
}

// module is about as long as modules are.
func module(i int) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "defmodule Shop.Part%d.Module%d do\n  @moduledoc \"What part %d does.\"\n  alias Phoenix.PubSub\n  require Logger\n\n", i/100, i, i)
	for j := range 20 {
		//nolint:dupword // Elixir ends one thing after the other
		fmt.Fprintf(&b, "  def step_%d(%%{id: id, items: items} = state, opts \\\\ []) do\n    limit = Keyword.get(opts, :limit, %d)\n\n    items\n    |> Enum.filter(fn {k, v} -> k != :skip and v > limit end)\n    |> Enum.map(fn {k, v} -> {k, v + %d} end)\n    |> case do\n      [] -> {:error, \"nothing for #{id}\"}\n      found -> PubSub.broadcast(Shop.PubSub, \"step:#{id}\", {:done, found, state})\n    end\n  end\n\n", j, j*10, j)
	}
	b.WriteString("end\n")
	return b.String()
}

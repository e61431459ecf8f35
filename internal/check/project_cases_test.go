package check

import (
	"github.com/phialdev/phial/internal/finding"
)

// Changes that many cases share.
var (
	// unnumbered leaves the number of pods to an autoscaler.
	unnumbered = change{"k8s.yaml", "  replicas: 2\n", ""}
	noServer   = change{"k8s.yaml", "        - name: PHX_SERVER\n          value: \"true\"\n", ""}
	// inside has no Ingress, and balanced a load balancer in its place.
	inside    = change{"k8s.yaml", "kind: Ingress", "kind: Nothing"}
	balanced  = change{"k8s.yaml", "spec:\n  selector: {app: shop}\n  ports:", "spec:\n  type: LoadBalancer\n  selector: {app: shop}\n  ports:"}
	noHost    = change{"k8s.yaml", "        - name: PHX_HOST\n          value: shop.example.com\n", ""}
	one       = change{"k8s.yaml", "replicas: 2", "replicas: 1"}
	meshed    = change{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc}\n        - name: PHX_HOST\n"}
	presence  = change{"lib/shop_web/presence.ex", "", "defmodule ShopWeb.Presence do\n  use Phoenix.Presence, otp_app: :shop, pubsub_server: Shop.PubSub\nend\n"}
	oban      = change{"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {Oban, Application.fetch_env!(:shop, Oban)},\n      ShopWeb.Endpoint\n"}
	readOnly  = change{"k8s.yaml", "        env:\n", "        securityContext: {readOnlyRootFilesystem: true}\n        env:\n"}
	cpuLimit  = change{"k8s.yaml", "limits: {memory: 1Gi}", "limits: {memory: 1Gi, cpu: 2}"}
	busy      = change{"rel/vm.args.eex", "+sbwt none +sbwtdcpu none +sbwtdio none\n", ""}
	quantum   = change{"lib/shop/scheduler.ex", "", "defmodule Shop.Scheduler do\n  use Quantum, otp_app: :shop\nend\n"}
	scheduled = change{"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      Shop.Scheduler,\n      ShopWeb.Endpoint\n"}
	horde     = change{"lib/shop/workers.ex", "", "defmodule Shop.Workers do\n  use Horde.DynamicSupervisor\nend\n"}
	autoscale = change{"hpa.yaml", "", `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: shop
  namespace: prod
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 12
  metrics:
  - type: Resource
    resource:
      name: cpu
      target: {type: Utilization, averageUtilization: 70}
`}
)

// jobsOf configures Oban.
func jobsOf(options string) change {
	return change{"config/prod.exs", "config :logger", "config :shop, Oban,\n  repo: Shop.Repo,\n  " + options + "\n\nconfig :logger"}
}

// endpointOf configures the endpoint when the release is built.
func endpointOf(options string) change {
	return change{"config/prod.exs", "config :shop, ShopWeb.Endpoint, ", "config :shop, ShopWeb.Endpoint, " + options + ", "}
}

// pipeline is a Broadway module that reads Kafka.
func pipeline(name, options, batchers string) change {
	return change{"lib/shop/" + name + ".ex", "", `defmodule Shop.` + name + ` do
  use Broadway

  def start_link(_opts),
    do: Broadway.start_link(__MODULE__,
      name: __MODULE__,
      producer: [
        module: {BroadwayKafka.Producer, [
          hosts: [kafka: 9092],
          ` + options + `
        ]},
        concurrency: 2
      ],
      processors: [default: [concurrency: 4]],
      batchers: [default: [` + batchers + `]]
    )
end
`}
}

// lag scales by the lag of a consumer group.
func lag(group string) change {
	return change{"scaled.yaml", "", "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: shop, namespace: prod}\nspec:\n  scaleTargetRef: {name: shop}\n  maxReplicaCount: 9\n  triggers:\n  - type: kafka\n    metadata: {consumerGroup: " + group + ", topic: orders}\n"}
}

// topic says how many partitions a topic has.
func topic(name, partitions string) change {
	return change{name + ".yaml", "", "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaTopic\nmetadata: {name: " + name + ", namespace: prod}\nspec: {partitions: " + partitions + ", replicas: 3}\n"}
}

// controller answers the health checks: one of them as given.
func controller(ready string) change {
	return change{"lib/shop_web/controllers/health_controller.ex", "", "defmodule ShopWeb.HealthController do\n  use ShopWeb, :controller\n  def live(conn, _), do: text(conn, \"ok\")\n  def ready(conn, _), do: " + ready + "\nend\n"}
}

// nodeAbove gives the node a name that is put together from what stands below it.
var nodeAbove = change{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: RELEASE_DISTRIBUTION, value: name}\n        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n        - name: PHX_HOST\n"}

// envScript is rel/env.sh.
func envScript(text string) change { return change{"rel/env.sh.eex", "", "#!/bin/sh\n" + text + "\n"} }

var projectCases = map[finding.Code][]projectCase{
	"NAM-05": {
		{"of the container", []change{nodeAbove, {"k8s.yaml", "shop@$(POD_IP)", "shop@$(hostname -f)"}}, []string{"error k8s.yaml: - {name: RELEASE_NODE, value: shop@$(hostname -f)}"}},
		{"of rel/env.sh", []change{nodeAbove, {"k8s.yaml", "shop@$(POD_IP)", "shop@$(hostname -f)"}, envScript("export RELEASE_NODE=shop@$POD_IP")}, []string{"info k8s.yaml: - {name: RELEASE_NODE, value: shop@$(hostname -f)}"}},
		{"none", nil, nil},
	},
	"NAM-07": {
		{"defined below", []change{nodeAbove}, []string{"error k8s.yaml: - {name: RELEASE_NODE, value: shop@$(POD_IP)}"}},
		{"without effect", []change{nodeAbove, envScript("export RELEASE_NODE=shop@$POD_IP")}, []string{"info k8s.yaml: - {name: RELEASE_NODE, value: shop@$(POD_IP)}"}},
		{"in effect after all", []change{nodeAbove, envScript("export RELEASE_NODE=${RELEASE_NODE:-shop@$POD_IP}")}, []string{"error k8s.yaml: - {name: RELEASE_NODE, value: shop@$(POD_IP)}"}},
		{"none", nil, nil},
	},
	"NAM-08": {
		{"the second name", []change{meshed, {"rel/vm.args.eex", "+Q", "-name shop@127.0.0.1\n+Q"}, envScript("export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$POD_IP")}, []string{"info rel/vm.args.eex: -name shop@127.0.0.1"}},
		{"a short name in front", []change{meshed, {"rel/vm.args.eex", "+Q", "-name shop@127.0.0.1\n+Q"}, envScript("export RELEASE_DISTRIBUTION=sname")}, []string{"info rel/vm.args.eex: -name shop@127.0.0.1"}},
		{"the first that erl looks for", []change{meshed, {"rel/vm.args.eex", "+Q", "-sname shop@localhost\n+Q"}, envScript("export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$POD_IP")}, []string{"warning rel/vm.args.eex: -sname shop@localhost"}},
		{"the only one", []change{meshed, {"rel/vm.args.eex", "+Q", "-name shop@127.0.0.1\n+Q"}}, []string{"warning rel/vm.args.eex: -name shop@127.0.0.1"}},
		{"none", []change{meshed}, nil},
	},
	"HLT-02": {
		{"two paths", nil, nil},
		{"one path, and nobody knows the code", []change{{"k8s.yaml", "/health/ready", "/health"}}, []string{"info k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"one path that asks nobody", []change{{"k8s.yaml", "/health/ready", "/health"}, controller(`text(conn, "ok")`)}, nil},
		{"a database behind it", []change{controller(`text(conn, "ok")`), {"lib/shop_web/controllers/health_controller.ex", `live(conn, _), do: text(conn, "ok")`, `live(conn, _), do: alive(conn)` + "\n  defp alive(conn) do\n    Shop.Repo.query!(\"select 1\")\n    text(conn, \"ok\")\n  end\n"}}, []string{"warning k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"a database behind the other", []change{controller(`Shop.Repo.query!("select 1") && text(conn, "ok")`)}, nil},
		{"the others behind it", []change{controller(`text(conn, "ok")`), {"lib/shop_web/controllers/health_controller.ex", `live(conn, _), do: text(conn, "ok")`, `live(conn, _), do: if(Node.list() == [], do: send_resp(conn, 503, ""), else: text(conn, "ok"))`}}, []string{"warning k8s.yaml: httpGet: {path: /health, port: http}"}},
	},
	"HLT-03": {
		{"sound", nil, nil},
		{"force_ssl", []change{endpointOf("force_ssl: [rewrite_on: [:x_forwarded_proto]]")}, []string{
			"info k8s.yaml: httpGet: {path: /health/ready, port: http}", "info k8s.yaml: httpGet: {path: /health, port: http}", "info k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"a strict load balancer", []change{endpointOf("force_ssl: []"), {"k8s.yaml", "ingressClassName: nginx", "ingressClassName: gce"}, {"k8s.yaml", "        livenessProbe:\n          httpGet: {path: /health, port: http}\n        startupProbe:\n          httpGet: {path: /health, port: http}\n          failureThreshold: 30\n", ""}},
			[]string{"warning k8s.yaml: httpGet: {path: /health/ready, port: http}"}},
		{"excluded paths", []change{endpointOf(`force_ssl: [exclude: [hosts: ["localhost"], paths: ["/health", "/health/ready"]]]`)}, nil},
		{"excluded by a function", []change{endpointOf(`force_ssl: [exclude: {Shop.SSL, :spared, []}]`)}, nil},
		{"a header says https", []change{endpointOf("force_ssl: [rewrite_on: [:x_forwarded_proto]]"), {"k8s.yaml", "ready, port: http}", "ready, port: http, httpHeaders: [{name: X-Forwarded-Proto, value: https}]}"}, {"k8s.yaml", "/health, port: http}", "/health, port: http, httpHeaders: [{name: Host, value: localhost}]}"}}, nil},
		{"a plug", []change{{"lib/shop_web/endpoint.ex", "  plug Plug.Session", "  plug Plug.SSL, rewrite_on: [:x_forwarded_proto]\n  plug Plug.Session"}}, []string{
			"warning k8s.yaml: httpGet: {path: /health/ready, port: http}", "warning k8s.yaml: httpGet: {path: /health, port: http}", "warning k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"at boot, when it is too late", []change{{"config/runtime.exs", "    secret_key_base: secret_key_base\n", "    force_ssl: [],\n    secret_key_base: secret_key_base\n"}}, nil},
	},
	"IMG-07": {
		{"sound", nil, nil},
		{"a shell in the list", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD ["sh", "-c", "/app/bin/migrate && /app/bin/shop start"]`}}, []string{`warning Dockerfile: CMD ["sh", "-c", "/app/bin/migrate && /app/bin/shop start"]`}},
		{"a shell in the list, on Alpine", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD ["sh", "-c", "/app/bin/migrate && /app/bin/shop start"]`}, {"Dockerfile", "FROM debian:bookworm-20250630-slim", "FROM alpine:3.22"}}, []string{`info Dockerfile: CMD ["sh", "-c", "/app/bin/migrate && /app/bin/shop start"]`}},
		{"a shell's form", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD /app/bin/migrate && /app/bin/shop start`}}, []string{`warning Dockerfile: CMD /app/bin/migrate && /app/bin/shop start`}},
		{"a shell's form, on Alpine", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD /app/bin/migrate && /app/bin/shop start`}, {"Dockerfile", "FROM debian:bookworm-20250630-slim", "FROM alpine:3.22"}}, []string{`info Dockerfile: CMD /app/bin/migrate && /app/bin/shop start`}},
		{"a shell of the container's", []change{{"k8s.yaml", "        ports:\n", "        command: [sh, -c, \"/app/bin/migrate && /app/bin/shop start\"]\n        ports:\n"}}, []string{`warning k8s.yaml: command: [sh, -c, "/app/bin/migrate && /app/bin/shop start"]`}},
		{"a shell of the container's, on Alpine", []change{{"k8s.yaml", "        ports:\n", "        command: [sh, -c, \"/app/bin/migrate && /app/bin/shop start\"]\n        ports:\n"}, {"Dockerfile", "FROM debian:bookworm-20250630-slim", "FROM alpine:3.22"}}, []string{`info k8s.yaml: command: [sh, -c, "/app/bin/migrate && /app/bin/shop start"]`}},
	},
	"IMG-08": {
		{"sound", nil, nil},
		{"in arguments", []change{argumentsOf("/app/bin/shop")}, []string{`warning k8s.yaml: args: ["/app/bin/shop", "start", "${POOL_SIZE}"]`}},
		{"in arguments, behind an init process", []change{argumentsOf("/app/bin/shop"), {"Dockerfile", "USER nobody", "ENTRYPOINT [\"/usr/bin/tini\", \"--\"]\nUSER nobody"}}, []string{`warning k8s.yaml: args: ["/app/bin/shop", "start", "${POOL_SIZE}"]`}},
		{"in arguments of a shell's", []change{argumentsOf("sh")}, nil},
		{"in arguments of a script's", []change{argumentsOf("/app/bin/shop"), {"Dockerfile", "USER nobody", "ENTRYPOINT [\"/entry.sh\"]\nUSER nobody"}}, nil},
		{"in arguments of an image that is not known", []change{argumentsOf("/app/bin/shop"), {"Dockerfile", "FROM debian:bookworm-20250630-slim", "FROM registry.example.com/base:1"}}, nil},
	},
	"HLT-04": {
		{"sound", nil, nil},
		{"no PHX_SERVER", []change{noServer}, []string{"error k8s.yaml: env:"}},
		{"never true", []change{{"config/runtime.exs", "server: true", "code_reloader: false"}}, []string{"error k8s.yaml: env:"}},
		{"always true", []change{noServer, endpointOf("server: true")}, nil},
		{"of a ConfigMap that was not read", []change{noServer, {"k8s.yaml", "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n"}}, nil},
		{"of a ConfigMap", []change{noServer, {"k8s.yaml", "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n"}, {"map.yaml", "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: prod}\ndata: {PHX_SERVER: \"1\"}\n"}}, nil},
		{"of one that lacks it", []change{noServer, {"k8s.yaml", "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n"}, {"map.yaml", "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: prod}\ndata: {REGION: eu}\n"}}, []string{"error k8s.yaml: env:"}},
		{"in the image", []change{noServer, {"Dockerfile", "ENV LANG=C.UTF-8", "ENV LANG=C.UTF-8 PHX_SERVER=true"}}, nil},
		{"in env.sh", []change{noServer, {"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport PHX_SERVER=true\n"}}, nil},
		{"an image that is not known", []change{noServer, {"Dockerfile", "FROM debian:bookworm-20250630-slim", "FROM registry.example.com/base:1"}}, nil},
		{"no Dockerfile", []change{noServer, {"Dockerfile", "", ""}}, nil},
		{"a script that is not there", []change{noServer, {"Dockerfile", `"/app/bin/shop", "start"`, `"/entry.sh"`}}, nil},
		{"a script without it", []change{noServer, {"Dockerfile", `"/app/bin/shop", "start"`, `"/app/bin/server"`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nexec ./shop start\n"}}, []string{"error k8s.yaml: env:"}},
		{"bin/server behind a script", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["/app/bin/server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\nexec \"$@\"\n"}}, nil},
		{"bin/shop behind a script", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["/app/bin/shop", "start"]`}, {"entry.sh", "", "#!/bin/sh\nexec \"$@\"\n"}}, []string{"error k8s.yaml: env:"}},
		{"bin/server without it behind a script", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["/app/bin/server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nexec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\nexec \"$@\"\n"}}, []string{"error k8s.yaml: env:"}},
		{"bin/server in a script", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\nexec /app/bin/server\n"}}, nil},
		{"bin/server without it in a script", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nexec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\nexec /app/bin/server\n"}}, []string{"error k8s.yaml: env:"}},
		{"bin/server in a branch", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\ncase \"${1:-server}\" in\n  server) exec /app/bin/server ;;\n  migrate) exec /app/bin/migrate ;;\n  *) exec \"$@\" ;;\nesac\n"}}, nil},
		{"bin/server in a branch that is not taken", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["app"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"entry.sh", "", "#!/bin/sh\ncase \"$1\" in\n  server) exec /app/bin/server ;;\n  app) exec /app/bin/shop start ;;\nesac\n"}}, []string{"error k8s.yaml: env:"}},
		{"bin/server behind another command", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD ["sh", "-c", "/app/bin/warmup && exec /app/bin/server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"rel/overlays/bin/warmup", "", "#!/bin/sh\nexit 0\n"}}, nil},
		{"bin/server without it behind another command", []change{noServer, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD ["sh", "-c", "/app/bin/warmup && exec /app/bin/server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nexec ./shop start\n"}, {"rel/overlays/bin/warmup", "", "#!/bin/sh\nexit 0\n"}}, []string{"error k8s.yaml: env:"}},
		{"a worker that nobody asks", []change{noServer, {"k8s.yaml", "selector: {app: shop}\n  ports", "selector: {app: web}\n  ports"},
			{"k8s.yaml", "        readinessProbe:\n          httpGet: {path: /health/ready, port: http}\n        livenessProbe:\n          httpGet: {path: /health, port: http}\n        startupProbe:\n          httpGet: {path: /health, port: http}\n          failureThreshold: 30\n", ""}}, nil},
		{"a script around it", []change{noServer, {"Dockerfile", `"/app/bin/shop", "start"`, `"/entry.sh", "/app/bin/shop", "start"`}}, nil},
		{"an init process around it", []change{noServer, {"Dockerfile", `"/app/bin/shop", "start"`, `"/usr/bin/tini", "--", "/app/bin/shop", "start"`}}, []string{"error k8s.yaml: env:"}},
		{"a patch of a kustomization", []change{noServer, {"kustomization.yaml", "", "resources: [k8s.yaml]\npatches: [{path: patch.yaml}]\n"}}, nil},
		{"configured in a way that is not followed", []change{noServer, {"config/runtime.exs", "if config_env() == :prod do", "for {key, value} <- Shop.Config.all(), do: config(:shop, key, value)\n\nif config_env() == :prod do"}}, nil},
		{"hanging on what is not known", []change{noServer, {"config/runtime.exs", `if System.get_env("PHX_SERVER") do`, "if Shop.Config.server?() do"}}, nil},
		{"by mix", []change{noServer, {"Dockerfile", `["/app/bin/shop", "start"]`, `["mix", "phx.server"]`}}, nil},
		{"an init of its own", []change{noServer, {"lib/shop_web/endpoint.ex", "  plug Plug.Session", "  def init(_key, config), do: {:ok, Keyword.put(config, :server, true)}\n  plug Plug.Session"}}, nil},
	},
	"HLT-05": {
		{"sound", nil, nil},
		{"another port", []change{{"k8s.yaml", "containerPort: 4000", "containerPort: 8080"}}, []string{"warning k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"by PORT", []change{{"k8s.yaml", "containerPort: 4000", "containerPort: 8080"}, {"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"8080\"}\n        - name: PHX_HOST\n"}}, nil},
		{"readiness alone on another number", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4001}"}}, []string{"warning k8s.yaml: httpGet: {path: /health/ready, port: 4001}"}},
		{"readiness alone on another number, PORT given", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"4000\"}\n        - name: PHX_HOST\n"}, {"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4001}"}}, []string{"warning k8s.yaml: httpGet: {path: /health/ready, port: 4001}"}},
		{"readiness alone on a number that the container has", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4001}"}, {"k8s.yaml", "containerPort: 4000}", "containerPort: 4000}\n        - {name: health, containerPort: 4001}"}}, nil},
		{"readiness alone on a number that is configured", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4001}"}, {"config/prod.exs", "config :logger", "config :shop, Shop.Health, port: 4001\n\nconfig :logger"}}, nil},
		{"readiness alone on a number that a library has", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 9568}"}}, nil},
		{"a Service that leads to another number", []change{{"k8s.yaml", "targetPort: http", "targetPort: 4001"}}, []string{"warning k8s.yaml: targetPort: 4001"}},
		{"a Service that leads to the number", []change{{"k8s.yaml", "targetPort: http", "targetPort: 4000"}}, nil},
		{"a Service that leads to 80", []change{{"k8s.yaml", "    targetPort: http\n", ""}}, []string{"warning k8s.yaml: port: 80"}},
		{"a Service that leads to 80, PORT given", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"4000\"}\n        - name: PHX_HOST\n"}, {"k8s.yaml", "    targetPort: http\n", ""}}, []string{"warning k8s.yaml: port: 80"}},
		{"a Service that leads to metrics", []change{{"k8s.yaml", "    targetPort: http\n", "    targetPort: http\n  - {name: metrics, port: 9100, targetPort: 9100}\n"}}, nil},
		{"by gRPC, which nothing speaks", []change{{"k8s.yaml", "        livenessProbe:\n          httpGet: {path: /health, port: http}", "        livenessProbe:\n          grpc: {port: 50051}"}}, []string{"warning k8s.yaml: grpc: {port: 50051}"}},
		{"by gRPC", []change{{"k8s.yaml", "        livenessProbe:\n          httpGet: {path: /health, port: http}", "        livenessProbe:\n          grpc: {port: 50051}"}, {"mix.lock", "%{\n", "%{\n  \"grpc\": {:hex, :grpc, \"0.9.0\", \"00\", [:mix], [], \"hexpm\", \"00\"},\n"}}, nil},
		{"a proxy in front", []change{{"k8s.yaml", "containerPort: 4000", "containerPort: 8080"}, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: nginx, image: \"nginx:1.27.1\"}\n"}}, nil},
		{"a port that is computed", []change{{"k8s.yaml", "containerPort: 4000", "containerPort: 8080"}, {"config/runtime.exs", `System.get_env("PORT") || "4000"`, `Shop.port()`}}, nil},
		{"PORT is another", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"8080\"}\n        - name: PHX_HOST\n"}}, []string{"error k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"PORT is another, and so is a server", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"8080\"}\n        - name: PHX_HOST\n"}, {"config/prod.exs", "config :logger", "config :shop, Shop.Metrics, port: 4000\n\nconfig :logger"}}, []string{"warning k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"PORT is another that the container has, too", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"8080\"}\n        - name: PHX_HOST\n"}, {"k8s.yaml", "containerPort: 4000}", "containerPort: 4000}\n        - {name: web, containerPort: 8080}"}}, nil},
		{"on loopback", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", "{127, 0, 0, 1}"}}, []string{"error k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"on loopback, IPv6", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", "{0, 0, 0, 0, 0, 0, 0, 1}"}}, []string{"error k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"on loopback, by name", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", ":loopback"}}, []string{"error k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"on loopback, behind a proxy", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", "{127, 0, 0, 1}"}, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: nginx, image: \"nginx:1.27.1\"}\n"}}, nil},
		{"on any address", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", ":any"}}, nil},
		{"on an address that is computed", []change{{"config/runtime.exs", "{0, 0, 0, 0, 0, 0, 0, 0}", "Shop.address()"}}, nil},
		{"by HTTPS", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: http, scheme: HTTPS}"}}, []string{"error k8s.yaml: httpGet: {path: /health/ready, port: http, scheme: HTTPS}"}},
		{"by HTTP, of a port of TLS", append(tls(), change{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4443}"}), []string{"error k8s.yaml: httpGet: {path: /health/ready, port: 4443}"}},
		{"by HTTPS, of a port of TLS", append(tls(), change{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: 4443, scheme: HTTPS}"}), nil},
		{"by HTTPS, through a proxy", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /health/ready, port: http, scheme: HTTPS}"}, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: nginx, image: \"nginx:1.27.1\"}\n"}}, []string{"warning k8s.yaml: httpGet: {path: /health/ready, port: http, scheme: HTTPS}"}},
		{"another server asks", []change{{"k8s.yaml", "containerPort: 4000", "containerPort: 9000"}, {"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {Bandit, plug: Shop.Health, port: 9000},\n      ShopWeb.Endpoint\n"}}, nil},
	},
	"HLT-15": {
		{"sound", nil, nil},
		{"a path that is not there", []change{{"k8s.yaml", "path: /health/ready", "path: /healthz"}}, []string{"error k8s.yaml: httpGet: {path: /healthz, port: http}"}},
		{"in another case", []change{{"k8s.yaml", "path: /health/ready", "path: /Health/Ready"}}, []string{"error k8s.yaml: httpGet: {path: /Health/Ready, port: http}"}},
		{"in a scope", []change{{"lib/shop_web/router.ex", "  get \"/health\", ShopWeb.HealthController, :live\n  get \"/health/ready\", ShopWeb.HealthController, :ready\n", "  scope \"/api\" do\n    get \"/health\", ShopWeb.HealthController, :live\n    get \"/health/ready\", ShopWeb.HealthController, :ready\n  end\n"}},
			[]string{"error k8s.yaml: httpGet: {path: /health/ready, port: http}", "error k8s.yaml: httpGet: {path: /health, port: http}", "error k8s.yaml: httpGet: {path: /health, port: http}"}},
		{"answered by a plug", []change{{"k8s.yaml", "path: /health/ready", "path: /healthz"}, {"lib/shop_web/endpoint.ex", "  plug Plug.Session", "  plug ShopWeb.Healthz\n  plug Plug.Session"}}, nil},
		{"answered by a macro", []change{{"k8s.yaml", "path: /health/ready", "path: /healthz"}, {"lib/shop_web/router.ex", "  get \"/health\"", "  health_routes()\n  get \"/health\""}}, nil},
		{"another port", []change{{"k8s.yaml", "{path: /health/ready, port: http}", "{path: /metrics, port: 9568}"}}, nil},
		{"redirected before", []change{{"k8s.yaml", "path: /health/ready", "path: /healthz"}, endpointOf("force_ssl: []")}, nil},
		{"a proxy in front", []change{{"k8s.yaml", "path: /health/ready", "path: /healthz"}, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: nginx, image: \"nginx:1.27.1\"}\n"}}, nil},
	},
	"HLT-09": {
		{"not clustered", nil, nil},
		{"clustered", []change{meshed}, []string{"info k8s.yaml: httpGet: {path: /health/ready, port: http}"}},
		{"aware", []change{meshed, {"k8s.yaml", "/health/ready", "/health/joined"}}, nil},
		{"aware by its code", []change{meshed, controller(`if Node.list() == [], do: send_resp(conn, 503, ""), else: text(conn, "ok")`)}, nil},
		{"tells of the others, and always says yes", []change{meshed, controller(`json(conn, %{nodes: length(Node.list())})`)}, []string{"info k8s.yaml: httpGet: {path: /health/ready, port: http}"}},
		{"beside a sidecar", []change{meshed, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: proxy, image: \"cloud-sql-proxy:2.1\"}\n"}}, []string{"info k8s.yaml: httpGet: {path: /health/ready, port: http}"}},
		{"beside a sidecar that answers", []change{meshed, {"k8s.yaml", "      containers:\n", "      containers:\n      - {name: proxy, image: \"proxy:2.1\", readinessProbe: {httpGet: {path: /, port: 80}}}\n"}}, nil},
	},
	"DRN-02": {
		{"sound", nil, nil},
		{"Oban waits longer", []change{oban, jobsOf("queues: [a: 1], shutdown_grace_period: :timer.minutes(5)"), jobsOf("shutdown_grace_period: 120_000")}, []string{"warning k8s.yaml: terminationGracePeriodSeconds: 60"}},
		{"a drainer waits longer", []change{{"lib/shop_web/endpoint.ex", "websocket: [connect_info: [session: @session_options]]", "websocket: true, drainer: [shutdown: 90_000]"}}, []string{"warning k8s.yaml: terminationGracePeriodSeconds: 60"}},
		{"together they are too long", []change{oban, jobsOf("shutdown_grace_period: 40_000"), {"lib/shop_web/endpoint.ex", "websocket: [connect_info: [session: @session_options]]", "websocket: true, drainer: [shutdown: 30_000]"}}, []string{"info k8s.yaml: terminationGracePeriodSeconds: 60"}},
		{"Oban ends in time", []change{oban, jobsOf("shutdown_grace_period: 30_000")}, nil},
		{"Oban is not started", []change{jobsOf("shutdown_grace_period: 300_000")}, nil},
	},
	"DRN-03": {
		{"on by default", nil, nil},
		{"off", []change{{"lib/shop_web/endpoint.ex", "websocket: [connect_info: [session: @session_options]]", "websocket: true, drainer: false"}}, []string{`info lib/shop_web/endpoint.ex: socket "/live", Phoenix.LiveView.Socket, websocket: true, drainer: false`}},
		{"an old Phoenix", []change{{"mix.lock", "1.7.14", "1.7.1"}}, []string{`info lib/shop_web/endpoint.ex: socket "/live", Phoenix.LiveView.Socket, websocket: [connect_info: [session: @session_options]]`}},
		{"an old Phoenix alone", []change{{"mix.lock", "1.7.14", "1.6.16"}, one}, nil},
		{"by a library", []change{{"mix.lock", "1.7.14", "1.6.16"}, {"mix.exs", `{:bandit, "~> 1.5"}`, `{:socket_drano, "~> 0.5"}`}}, nil},
	},
	"CPU-01": {
		{"no limit", []change{busy}, nil},
		{"in vm.args", []change{cpuLimit}, nil},
		{"nowhere", []change{cpuLimit, busy}, []string{"info k8s.yaml: limits: {memory: 1Gi, cpu: 2}"}},
		{"a comment", []change{cpuLimit, {"rel/vm.args.eex", "+sbwt none", "# +sbwt none"}}, []string{"info k8s.yaml: limits: {memory: 1Gi, cpu: 2}"}},
		{"in the image", []change{cpuLimit, busy, {"Dockerfile", "ENV LANG=C.UTF-8", `ENV ERL_ZFLAGS="+sbwt none"`}}, nil},
	},
	"CPU-02": {
		{"current", []change{cpuLimit}, nil},
		{"OTP 22", []change{cpuLimit, {"Dockerfile", "elixir:1.18.4-erlang-27.3.4", "elixir:1.10.4-erlang-22.3.4"}}, []string{"warning k8s.yaml: limits: {memory: 1Gi, cpu: 2}"}},
		{"OTP 23", []change{cpuLimit, {"Dockerfile", "elixir:1.18.4-erlang-27.3.4", "elixir:1.11.4-erlang-23.3.4"}}, []string{"info k8s.yaml: limits: {memory: 1Gi, cpu: 2}"}},
		{"OTP 22 without a limit", []change{{"Dockerfile", "elixir:1.18.4-erlang-27.3.4", "elixir:1.10.4-erlang-22.3.4"}}, nil},
		{"OTP 22 and told", []change{cpuLimit, {"rel/vm.args.eex", "+Q 65536", "+Q 65536\n+S 2:2"}, {"Dockerfile", "elixir:1.18.4-erlang-27.3.4", "elixir:1.10.4-erlang-22.3.4"}}, nil},
		{"of .tool-versions", []change{cpuLimit, {"Dockerfile", "", ""}, {".tool-versions", "", "erlang 21.3\n"}}, []string{"warning k8s.yaml: limits: {memory: 1Gi, cpu: 2}"}},
	},
	"CPU-03": {
		{"not spun", []change{unnumbered, autoscale}, nil},
		{"spun", []change{unnumbered, autoscale, busy}, []string{"info hpa.yaml: name: cpu"}},
		{"by memory", []change{unnumbered, busy, {"hpa.yaml", "", autoscale.new}, {"hpa.yaml", "name: cpu", "name: memory"}}, nil},
		{"beside replicas", []change{autoscale}, []string{"warning k8s.yaml: replicas: 2"}},
		{"another kind", []change{unnumbered, autoscale, {"hpa.yaml", "kind: Deployment", "kind: StatefulSet"}}, []string{"error hpa.yaml: scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: shop}"}},
		{"another name", []change{unnumbered, autoscale, {"hpa.yaml", "kind: Deployment, name: shop", "kind: Deployment, name: shopp"}}, []string{"warning hpa.yaml: scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shopp}"}},
		{"a name that is longer", []change{unnumbered, autoscale, {"hpa.yaml", "kind: Deployment, name: shop", "kind: Deployment, name: shop-web"}}, []string{"info hpa.yaml: scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-web}"}},
		{"of somebody else's", []change{unnumbered, autoscale, {"hpa.yaml", "kind: Deployment, name: shop", "kind: Deployment, name: accounting"}}, nil},
	},
	"MEM-01": {
		{"+Q is set", nil, nil},
		{"+Q is not", []change{{"rel/vm.args.eex", "+Q 65536", "+P 1000000"}}, []string{"info k8s.yaml: limits: {memory: 1Gi}"}},
		{"much memory", []change{{"rel/vm.args.eex", "+Q 65536", ""}, {"k8s.yaml", "memory: 1Gi", "memory: 4Gi"}}, nil},
		{"ulimit", []change{{"rel/vm.args.eex", "+Q 65536", ""}, {"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nulimit -n 65536\n"}}, nil},
	},
	"MEM-05": {
		{"sound", nil, nil},
		{"os_mon", []change{{"mix.exs", ":runtime_tools]", ":os_mon]"}}, []string{"info mix.exs: def application, do: [mod: {Shop.Application, []}, extra_applications: [:logger, :os_mon]]"}},
		{"told", []change{{"mix.exs", ":runtime_tools]", ":os_mon]"}, {"config/prod.exs", "config :logger", "config :os_mon, start_memsup: false\nconfig :logger"}}, nil},
		{"no limit", []change{{"mix.exs", ":runtime_tools]", ":os_mon]"}, {"k8s.yaml", "          limits: {memory: 1Gi}\n", ""}}, nil},
	},
	"DBM-01": {
		{"sound", nil, nil},
		{"by the application", []change{{"lib/shop/application.ex", "      {Phoenix.PubSub", "      {Ecto.Migrator, repos: [Shop.Repo]},\n      {Phoenix.PubSub"}}, []string{"warning lib/shop/application.ex: {Ecto.Migrator, repos: [Shop.Repo]},"}},
		{"by one pod", []change{one, {"lib/shop/application.ex", "      {Phoenix.PubSub", "      {Ecto.Migrator, repos: [Shop.Repo]},\n      {Phoenix.PubSub"}}, nil},
		{"under a lock", []change{{"lib/shop/application.ex", "      {Phoenix.PubSub", "      {Ecto.Migrator, repos: [Shop.Repo]},\n      {Phoenix.PubSub"}, {"config/runtime.exs", "url: database_url,", "url: database_url, migration_lock: :pg_advisory_lock,"}}, []string{"info lib/shop/application.ex: {Ecto.Migrator, repos: [Shop.Repo]},"}},
		{"by the script that starts it", []change{{"Dockerfile", `"/app/bin/shop", "start"`, `"/app/bin/server"`}, {"rel/overlays/bin/server", "", "#!/bin/sh\n# migrate first\n./shop eval Shop.Release.migrate\nPHX_SERVER=true exec ./shop start\n"}}, []string{"warning rel/overlays/bin/server: ./shop eval Shop.Release.migrate"}},
		{"by CMD", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD /app/bin/migrate && exec /app/bin/shop start`}}, []string{"warning Dockerfile: CMD /app/bin/migrate && exec /app/bin/shop start"}},
		{"in a branch of the script that is not taken", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"rel/overlays/bin/migrate", "", "#!/bin/sh\nexec ./shop eval Shop.Release.migrate\n"}, {"entry.sh", "", "#!/bin/sh\ncase \"${1:-server}\" in\n  server) exec /app/bin/server ;;\n  migrate) exec /app/bin/migrate ;;\n  *) exec \"$@\" ;;\nesac\n"}}, nil},
		{"in the branch of the script that is taken", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["all"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"rel/overlays/bin/migrate", "", "#!/bin/sh\nexec ./shop eval Shop.Release.migrate\n"}, {"entry.sh", "", "#!/bin/sh\ncase \"$1\" in\n  all)\n    /app/bin/migrate\n    exec /app/bin/server ;;\n  server) exec /app/bin/server ;;\nesac\n"}}, []string{"warning entry.sh: /app/bin/migrate"}},
		{"where the script is told so", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["server"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"rel/overlays/bin/migrate", "", "#!/bin/sh\nexec ./shop eval Shop.Release.migrate\n"}, {"entry.sh", "", "#!/bin/sh\nif [ \"$1\" = \"migrate\" ]; then\n  exec /app/bin/migrate\nfi\nexec /app/bin/server\n"}}, nil},
		{"where the script is told so, and is", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `COPY entry.sh /app/bin/` + "\n" + `ENTRYPOINT ["/app/bin/entry.sh"]` + "\n" + `CMD ["migrate"]`}, {"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"}, {"rel/overlays/bin/migrate", "", "#!/bin/sh\nexec ./shop eval Shop.Release.migrate\n"}, {"entry.sh", "", "#!/bin/sh\nif [ \"$1\" = \"migrate\" ]; then\n  /app/bin/migrate\nfi\nexec /app/bin/server\n"}}, []string{"warning entry.sh: /app/bin/migrate"}},
		{"by a script that only asks", []change{{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD /app/bin/migrate-check && exec /app/bin/shop start`}}, nil},
	},
	"DBM-02": {
		{"20 connections and 10 more", nil, nil},
		{"an autoscaler", []change{autoscale}, []string{"info hpa.yaml: maxReplicas: 12"}},
		{"a large pool", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: POOL_SIZE, value: \"50\"}\n        - name: PHX_HOST\n"}}, []string{"info k8s.yaml: replicas: 2"}},
		{"a large pool in one pod", []change{one, {"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: POOL_SIZE, value: \"50\"}\n        - name: PHX_HOST\n"}}, nil},
	},
	"DBM-04": {
		{"sound", nil, nil},
		{"in env.sh", []change{{"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport SECRET_KEY_BASE=$(openssl rand -base64 48)\n"}}, []string{"error rel/env.sh.eex: export SECRET_KEY_BASE=$(openssl rand -base64 48)"}},
		{"in env.sh of one pod", []change{one, {"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport SECRET_KEY_BASE=$(openssl rand -base64 48)\n"}}, []string{"warning rel/env.sh.eex: export SECRET_KEY_BASE=$(openssl rand -base64 48)"}},
		{"where none is given", []change{{"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(openssl rand -base64 48)}\"\n"}}, []string{"info rel/env.sh.eex: export SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(openssl rand -base64 48)}\""}},
		{"of a file", []change{{"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport SECRET_KEY_BASE=$(cat /run/secrets/key)\n"}}, nil},
		{"at boot", []change{{"config/runtime.exs", "secret_key_base: secret_key_base", "secret_key_base: Base.encode64(:crypto.strong_rand_bytes(64))"}}, []string{"error config/runtime.exs: secret_key_base: Base.encode64(:crypto.strong_rand_bytes(64))"}},
	},
	"PHX-01": {
		{"sound", nil, nil},
		{"PHX_HOST", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}}, []string{"warning k8s.yaml: value: www.example.com"}},
		{"no PHX_HOST", []change{{"k8s.yaml", "        - name: PHX_HOST\n          value: shop.example.com\n", ""}}, []string{"warning k8s.yaml: - host: shop.example.com"}},
		{"a list that has it", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}, endpointOf(`check_origin: ["https://*.example.com"]`)}, nil},
		{"not compared", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}, endpointOf(`check_origin: false`)}, nil},
		{"compared by a function", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}, endpointOf(`check_origin: {Shop, :origin, []}`)}, nil},
		{"a host that is computed", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}, {"config/runtime.exs", `host = System.get_env("PHX_HOST") || "example.com"`, `host = Shop.host()`}}, nil},
		{"no sockets", []change{{"k8s.yaml", "value: shop.example.com", "value: www.example.com"}, {"lib/shop_web/endpoint.ex", `  socket "/live", Phoenix.LiveView.Socket, websocket: [connect_info: [session: @session_options]]` + "\n", ""}}, []string{"info k8s.yaml: value: www.example.com"}},
		{"no Ingress, and no PHX_HOST", []change{inside, noHost}, []string{`info config/runtime.exs: host = System.get_env("PHX_HOST") || "example.com"`}},
		{"a load balancer, and no PHX_HOST", []change{inside, noHost, balanced}, []string{`warning config/runtime.exs: host = System.get_env("PHX_HOST") || "example.com"`}},
		{"a load balancer, and PHX_HOST as it was", []change{inside, balanced, {"k8s.yaml", "value: shop.example.com", "value: example.com"}}, []string{"warning k8s.yaml: value: example.com"}},
		{"a load balancer", []change{inside, balanced}, nil},
		{"a load balancer, and any origin", []change{inside, noHost, balanced, endpointOf("check_origin: false")}, nil},
		{"a load balancer, and origins as they were", []change{inside, balanced, endpointOf(`check_origin: ["https://example.com", "//localhost"]`)}, []string{`warning config/prod.exs: config :shop, ShopWeb.Endpoint, check_origin: ["https://example.com", "//localhost"], cache_static_manifest: "priv/static/cache_manifest.json"`}},
		{"a load balancer, and an origin", []change{inside, noHost, balanced, endpointOf(`check_origin: ["https://example.com", "https://shop.dev"]`)}, nil},
		{"a load balancer, and no url", []change{inside, noHost, balanced, {"config/config.exs", "  url: [host: \"localhost\"],\n", ""}, {"config/runtime.exs", "    url: [host: host, port: 443, scheme: \"https\"],\n", ""}}, []string{"warning lib/shop_web/endpoint.ex: use Phoenix.Endpoint, otp_app: :shop"}},
		{"a load balancer, and PHX_HOST from elsewhere", []change{inside, balanced, {"k8s.yaml", "          value: shop.example.com\n", "          valueFrom: {configMapKeyRef: {name: hosts, key: shop}}\n"}}, nil},
	},
	"PHX-02": {
		{"sound", nil, nil},
		{"behind TLS", []change{{"config/prod.exs", "config :logger", "config :shop, ShopWeb.Endpoint,\n  check_origin: :conn\n\nconfig :logger"}}, []string{"warning config/prod.exs: check_origin: :conn"}},
		{"without TLS", []change{{"k8s.yaml", "  tls: [{hosts: [shop.example.com], secretName: shop-tls}]\n", ""}, endpointOf("check_origin: :conn")}, nil},
	},
	"PHX-06": {
		{"writable", []change{{"mix.exs", `{:bandit, "~> 1.5"}`, `{:tzdata, "~> 1.1"}`}}, nil},
		{"nothing writes", []change{readOnly}, nil},
		{"tzdata", []change{readOnly, {"mix.exs", `{:bandit, "~> 1.5"}`, `{:tzdata, "~> 1.1"}`}}, []string{"warning k8s.yaml: securityContext: {readOnlyRootFilesystem: true}"}},
		{"tzdata that is still", []change{readOnly, {"mix.exs", `{:bandit, "~> 1.5"}`, `{:tzdata, "~> 1.1"}`}, {"config/prod.exs", "config :logger", "config :tzdata, :autoupdate, :disabled\nconfig :logger"}}, nil},
		{"tz", []change{readOnly, {"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {Tz.UpdatePeriodically, []},\n      ShopWeb.Endpoint\n"}}, []string{"warning k8s.yaml: securityContext: {readOnlyRootFilesystem: true}"}},
		{"it boots twice", []change{readOnly, {"mix.exs", "[include_executables_for: [:unix]]", "[reboot_system_after_config: true]"}}, []string{"error k8s.yaml: securityContext: {readOnlyRootFilesystem: true}"}},
		{"it boots twice, with a place to write", []change{readOnly, {"mix.exs", "[include_executables_for: [:unix]]", "[reboot_system_after_config: true]"},
			{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: RELEASE_TMP, value: /scratch/tmp}\n        - name: PHX_HOST\n"}, {"k8s.yaml", "        ports:\n", "        volumeMounts: [{name: scratch, mountPath: /scratch}]\n        ports:\n"}}, nil},
		{"it boots twice, and RELEASE_TMP is not writable", []change{readOnly, {"mix.exs", "[include_executables_for: [:unix]]", "[reboot_system_after_config: true]"},
			{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: RELEASE_TMP, value: /var/tmp}\n        - name: PHX_HOST\n"}, {"k8s.yaml", "        ports:\n", "        volumeMounts: [{name: scratch, mountPath: /tmp}]\n        ports:\n"}}, []string{"error k8s.yaml: securityContext: {readOnlyRootFilesystem: true}"}},
	},
	"PHX-07": {
		{"sound", nil, nil},
		{"another Service's port", linked(""), []string{"warning k8s.yaml: - name: shop"}},
		{"off", linked("", change{"k8s.yaml", "      securityContext: {run", "      enableServiceLinks: false\n      securityContext: {run"}), nil},
		{"set", linked("", change{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: SEARCH_PORT, value: \"9200\"}\n        - name: PHX_HOST\n"}), nil},
		{"headless", linked("clusterIP: None"), nil},
	},
	"PHX-09": {
		{"sound", nil, nil},
		{"not set", []change{{"k8s.yaml", "        - name: DATABASE_URL\n          valueFrom: {secretKeyRef: {name: shop, key: database}}\n", ""}}, []string{"error k8s.yaml: env:"}},
		{"misspelt", []change{{"k8s.yaml", "name: SECRET_KEY_BASE", "name: SECRET_KEYBASE"}}, []string{"error k8s.yaml: env:"}},
		{"of a Secret as a whole", []change{{"k8s.yaml", "        - name: DATABASE_URL\n          valueFrom: {secretKeyRef: {name: shop, key: database}}\n", ""}, {"k8s.yaml", "        env:\n", "        envFrom: [{secretRef: {name: shop}}]\n        env:\n"}}, nil},
		{"an image that is not known", []change{{"k8s.yaml", "        - name: DATABASE_URL\n          valueFrom: {secretKeyRef: {name: shop, key: database}}\n", ""}, {"Dockerfile", "", ""}}, []string{"warning k8s.yaml: env:"}},
		{"where it is not read", []change{{"config/runtime.exs", "  config :shop, :dns", "  if System.get_env(\"MAIL\") do\n    System.fetch_env!(\"MAIL_KEY\")\n  end\n\n  config :shop, :dns"}}, nil},
		{"where it is read", []change{{"config/runtime.exs", "  config :shop, :dns", "  if System.get_env(\"PHX_HOST\") do\n    System.fetch_env!(\"MAIL_KEY\")\n  end\n\n  config :shop, :dns"}}, []string{"error k8s.yaml: env:"}},
		{"in another environment", []change{{"config/runtime.exs", "if config_env() == :prod do", "if config_env() == :test do\n  System.fetch_env!(\"TEST_KEY\")\nend\n\nif config_env() == :prod do"}}, nil},
		{"in another release", []change{{"config/runtime.exs", "  config :shop, :dns", "  if System.get_env(\"RELEASE_NAME\") == \"mailer\" do\n    :ok\n  else\n    System.fetch_env!(\"MAIL_KEY\")\n  end\n\n  config :shop, :dns"}}, nil},
		{"what the kubelet sets", linked("", change{"config/runtime.exs", `System.get_env("SEARCH_PORT", "9200")`, `System.fetch_env!("SEARCH_PORT")`}), nil},
		{"what the release sets", []change{{"config/runtime.exs", "  config :shop, :dns", "  System.fetch_env!(\"RELEASE_NAME\")\n  config :shop, :dns"}}, nil},
		{"set by env.sh", []change{{"rel/env.sh.eex", "#!/bin/sh\n", "#!/bin/sh\nexport DATABASE_URL=$(cat /run/secrets/url)\n"}, {"k8s.yaml", "        - name: DATABASE_URL\n          valueFrom: {secretKeyRef: {name: shop, key: database}}\n", ""}}, nil},
	},
	"GLB-01": {
		{"sound", nil, nil},
		{"bare", []change{{"rel/vm.args.eex", "+Q 65536", "-prevent_overlapping_partitions false"}}, []string{"warning rel/vm.args.eex: -prevent_overlapping_partitions false"}},
		{"off", []change{{"rel/vm.args.eex", "+Q 65536", "-kernel prevent_overlapping_partitions false"}}, []string{"info rel/vm.args.eex: -kernel prevent_overlapping_partitions false"}},
		{"bare in the manifest", []change{{"k8s.yaml", "        - name: PHX_HOST\n", "        - name: ERL_FLAGS\n          value: -prevent_overlapping_partitions false\n        - name: PHX_HOST\n"}}, []string{"warning k8s.yaml: value: -prevent_overlapping_partitions false"}},
		{"on", []change{{"rel/vm.args.eex", "+Q 65536", "-kernel prevent_overlapping_partitions true"}}, nil},
	},
	"GLB-02": {
		{"sound", nil, nil},
		{"a name", []change{{"lib/shop/leader.ex", "", "defmodule Shop.Leader do\n  def init(_), do: :global.register_name(:leader, self())\nend\n"}}, []string{"info lib/shop/leader.ex: def init(_), do: :global.register_name(:leader, self())"}},
		{"a name in one pod", []change{one, {"lib/shop/leader.ex", "", "defmodule Shop.Leader do\n  def init(_), do: :global.register_name(:leader, self())\nend\n"}}, nil},
	},
	"GLB-03": {
		{"2 nodes", []change{meshed}, nil},
		{"80 nodes", []change{meshed, {"k8s.yaml", "replicas: 2", "replicas: 80"}}, []string{"warning k8s.yaml: replicas: 80"}},
		{"80 that are not clustered", []change{{"k8s.yaml", "replicas: 2", "replicas: 80"}}, nil},
		{"up to 90", []change{meshed, autoscale, {"hpa.yaml", "maxReplicas: 12", "maxReplicas: 90"}}, []string{"info hpa.yaml: maxReplicas: 90"}},
	},
	"STA-01": {
		{"sound", nil, nil},
		{"Horde", []change{horde}, []string{"info lib/shop/workers.ex: use Horde.DynamicSupervisor"}},
		{"Horde alone", []change{horde, one}, nil},
		{"Horde's registry, which starts nothing", []change{{"lib/shop/names.ex", "", "defmodule Shop.Names do\n  use Horde.Registry\nend\n"}}, nil},
	},
	"STA-02": {
		{"no autoscaler", []change{horde}, nil},
		{"an autoscaler", []change{horde, autoscale}, []string{"warning hpa.yaml: name: shop"}},
		{"a slow one", []change{horde, autoscale, {"hpa.yaml", "  metrics:", "  behavior: {scaleDown: {stabilizationWindowSeconds: 600}}\n  metrics:"}}, nil},
	},
	"STA-03": {
		{"sound", nil, nil},
		{"rolled over", []change{horde}, []string{"info lib/shop/workers.ex: use Horde.DynamicSupervisor"}},
		{"made anew", []change{horde, {"k8s.yaml", "  selector: {matchLabels: {app: shop}}\n  template", "  strategy: {type: Recreate}\n  selector: {matchLabels: {app: shop}}\n  template"}}, nil},
	},
	"STA-04": {
		{"not clustered", []change{presence}, nil},
		{"clustered", []change{presence, meshed}, []string{"info lib/shop_web/presence.ex: use Phoenix.Presence, otp_app: :shop, pubsub_server: Shop.PubSub"}},
		{"configured", []change{presence, meshed, {"config/prod.exs", "config :logger", "config :shop, ShopWeb.Presence, permdown_period: 120_000\nconfig :logger"}}, nil},
		{"an option", []change{presence, meshed, {"lib/shop_web/presence.ex", "pubsub_server: Shop.PubSub", "pubsub_server: Shop.PubSub, permdown_period: 60_000"}}, nil},
	},
	"STA-05": {
		{"sound", nil, nil},
		{"Mnesia", []change{{"lib/shop/store.ex", "", "defmodule Shop.Store do\n  def init(_), do: :mnesia.create_schema([node()])\nend\n"}}, []string{"info lib/shop/store.ex: def init(_), do: :mnesia.create_schema([node()])"}},
		{"Mnesia in one pod", []change{one, {"lib/shop/store.ex", "", "defmodule Shop.Store do\n  def init(_), do: :mnesia.create_schema([node()])\nend\n"}}, nil},
	},
	"STA-08": {
		{"PubSub alone, as every Phoenix app has it", nil, nil},
		{"Presence", []change{presence}, []string{"warning k8s.yaml: replicas: 2"}},
		{"Presence of clustered nodes", []change{presence, meshed}, nil},
		{"Presence in one pod", []change{presence, one}, nil},
		{"Presence and Redis", []change{presence, {"lib/shop/application.ex", "{Phoenix.PubSub, name: Shop.PubSub}", "{Phoenix.PubSub, adapter: Phoenix.PubSub.Redis, name: Shop.PubSub}"}}, nil},
		{"channels", []change{{"lib/shop_web/endpoint.ex", "  plug Plug.Session", "  socket \"/socket\", ShopWeb.UserSocket, websocket: true\n  plug Plug.Session"}}, []string{"warning k8s.yaml: replicas: 2"}},
		{"a query that is not known", []change{presence, {"k8s.yaml", "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n"}}, nil},
		{"a broadcast", []change{{"lib/shop/feed.ex", "", "defmodule Shop.Feed do\n  def tell(text), do: Phoenix.PubSub.broadcast(Shop.PubSub, \"feed\", text)\nend\n"}}, []string{"warning k8s.yaml: replicas: 2"}},
		{"a subscription alone", []change{{"lib/shop/feed.ex", "", "defmodule Shop.Feed do\n  def hear, do: Phoenix.PubSub.subscribe(Shop.PubSub, \"feed\")\nend\n"}}, nil},
		{"a name of global", []change{{"lib/shop/leader.ex", "", "defmodule Shop.Leader do\n  use GenServer\n  def start_link(_), do: GenServer.start_link(__MODULE__, [], name: {:global, __MODULE__})\nend\n"}}, []string{"warning k8s.yaml: replicas: 2"}},
		{"libcluster", []change{presence, {"mix.exs", `{:dns_cluster, "~> 0.1.3"}`, `{:libcluster, "~> 3.3"}`}}, nil},
	},
	"JOB-01": {
		{"sound", nil, nil},
		{"Quantum", []change{quantum, scheduled}, []string{"warning lib/shop/scheduler.ex: use Quantum, otp_app: :shop"}},
		{"in one pod", []change{quantum, scheduled, one}, nil},
		{"not started", []change{quantum}, nil},
		{"where a variable says so", []change{quantum, {"lib/shop/application.ex", "    Supervisor.start_link(children,", "    children = children ++ if(System.get_env(\"CRON\"), do: [Shop.Scheduler], else: [])\n    Supervisor.start_link(children,"}}, nil},
		{"by another", []change{quantum, {"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {Highlander, Shop.Scheduler},\n      ShopWeb.Endpoint\n"}}, nil},
		{"an old one", []change{quantum, scheduled, {"mix.lock", "}\n", "  \"quantum\": {:hex, :quantum, \"2.4.0\", \"00\", [:mix], [], \"hexpm\", \"00\"},\n}\n"}}, nil},
	},
	"JOB-02": {
		{"sound", []change{oban, jobsOf("queues: [a: 1]")}, nil},
		{"15 s are too long", []change{oban, jobsOf("queues: [a: 1]"), {"k8s.yaml", "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 20"}}, []string{"info k8s.yaml: terminationGracePeriodSeconds: 20"}},
		{"beneath DRN-02", []change{oban, jobsOf("shutdown_grace_period: 120_000")}, []string{"info k8s.yaml: terminationGracePeriodSeconds: 60"}},
		{"a period that is computed", []change{oban, jobsOf("shutdown_grace_period: Shop.period()"), {"k8s.yaml", "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 12"}}, nil},
	},
	"JOB-03": {
		{"sound", nil, nil},
		{"when it ends", pausing("drain", "Oban.pause_all_queues(Oban)"), []string{"warning lib/shop/work.ex: def drain, do: Oban.pause_all_queues(Oban)"}},
		{"by hand", pausing("pause", "Oban.pause_queue(queue: :mail)"), []string{"info lib/shop/work.ex: def pause, do: Oban.pause_queue(queue: :mail)"}},
		{"here alone", pausing("drain", "Oban.pause_all_queues(Oban, local_only: true)"), nil},
		{"in one pod", append(pausing("drain", "Oban.pause_all_queues(Oban)"), one), nil},
		{"in preStop", []change{{"k8s.yaml", "preStop: {sleep: {seconds: 10}}", "preStop: {exec: {command: [bin/shop, rpc, \"Oban.pause_all_queues(Oban)\"]}}"}}, []string{"warning k8s.yaml: preStop: {exec: {command: [bin/shop, rpc, \"Oban.pause_all_queues(Oban)\"]}}"}},
	},
	"SES-01": {
		{"in the cookie", nil, nil},
		{"in ETS", []change{{"lib/shop_web/endpoint.ex", "store: :cookie", "store: :ets"}}, []string{"info lib/shop_web/endpoint.ex: plug Plug.Session, @session_options"}},
		{"in ETS of one pod", []change{one, {"lib/shop_web/endpoint.ex", "store: :cookie", "store: :ets"}}, nil},
		{"uploads", []change{{"lib/shop_web/up.ex", "", "defmodule ShopWeb.Up do\n  def save(path), do: File.cp!(path, \"priv/static/uploads/x\")\nend\n"}}, []string{`info lib/shop_web/up.ex: def save(path), do: File.cp!(path, "priv/static/uploads/x")`}},
	},
	"KAF-01": {
		{"quick", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", "batch_timeout: 1_000")}, nil},
		{"slow", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", "batch_timeout: 60_000")}, []string{"warning lib/shop/Orders.ex: batchers: [default: [batch_timeout: 60_000]]"}},
		{"slow, and the group waits", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"], group_config: [rebalance_timeout_seconds: 120]", "batch_timeout: 60_000")}, nil},
	},
	"KAF-02": {
		{"no pipeline", nil, nil},
		{"a surge", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", "")}, []string{"info k8s.yaml: name: shop"}},
		{"none", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), {"k8s.yaml", "replicas: 2", "replicas: 2\n  strategy: {rollingUpdate: {maxSurge: 0}}"}}, nil},
	},
	"KAF-03": {
		{"enough", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), topic("a", "4")}, nil},
		{"too few", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), topic("a", "3")}, []string{"warning k8s.yaml: replicas: 2"}},
		{"not known", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\", \"b\"]", ""), topic("a", "3")}, nil},
	},
	"KAF-04": {
		{"its own group", []change{pipeline("orders", `group_id: "orders", topics: ["orders"]`, ""), lag("orders")}, nil},
		{"another group", []change{pipeline("orders", `group_id: "orders", topics: ["orders"]`, ""), lag("other")}, []string{"warning scaled.yaml: metadata: {consumerGroup: other, topic: orders}"}},
		{"a group that is computed", []change{pipeline("orders", `group_id: Shop.group(), topics: ["orders"]`, ""), lag("other")}, nil},
	},
	"KAF-05": {
		{"the default", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", "")}, nil},
		{"10 minutes", []change{pipeline("Orders", "group_config: [session_timeout_seconds: 600]", "")}, []string{"info lib/shop/Orders.ex: group_config: [session_timeout_seconds: 600]"}},
		{"an hour", []change{pipeline("Orders", "group_config: [session_timeout_seconds: 3600]", "")}, []string{"warning lib/shop/Orders.ex: group_config: [session_timeout_seconds: 3600]"}},
	},
	"KAF-06": {
		{"on ack", []change{pipeline("Orders", "group_id: \"a\"", "")}, nil},
		{"later", []change{pipeline("Orders", "offset_commit_on_ack: false", "")}, []string{"info lib/shop/Orders.ex: offset_commit_on_ack: false"}},
	},
	"KAF-07": {
		{"from the beginning", []change{pipeline("Orders", "offset_reset_policy: :earliest", "")}, nil},
		{"from the end", []change{pipeline("Orders", "offset_reset_policy: :latest", "")}, []string{"info lib/shop/Orders.ex: offset_reset_policy: :latest"}},
		{"from the end by default", []change{pipeline("Orders", "group_id: \"a\"", "")}, []string{"info lib/shop/Orders.ex: module: {BroadwayKafka.Producer, ["}},
	},
	"KAF-08": {
		{"two groups", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), pipeline("Mails", "group_id: \"b\", topics: [\"b\"]", "")}, nil},
		{"one group", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), pipeline("Mails", "group_id: \"a\", topics: [\"b\"]", "")}, []string{"warning lib/shop/Orders.ex: group_id: \"a\", topics: [\"a\"]"}},
		{"one group, the same topics", []change{pipeline("Orders", "group_id: \"a\", topics: [\"a\"]", ""), pipeline("Mails", "group_id: \"a\", topics: [\"a\"]", "")}, nil},
	},
}

// linked has the app read SEARCH_PORT beside a Service search.
func linked(service string, more ...change) []change {
	if service == "" {
		service = "type: ClusterIP"
	}
	return append([]change{
		{"k8s.yaml", "      enableServiceLinks: false\n", ""},
		{"config/runtime.exs", "  config :shop, :dns", "  config :shop, :search, System.get_env(\"SEARCH_PORT\", \"9200\")\n  config :shop, :dns"},
		{"search.yaml", "", "apiVersion: v1\nkind: Service\nmetadata: {name: search, namespace: prod}\nspec:\n  " + service + "\n  selector: {app: search}\n  ports: [{port: 9200}]\n"},
	}, more...)
}

// pausing has a function that pauses queues.
func pausing(function, call string) []change {
	return []change{{"lib/shop/work.ex", "", "defmodule Shop.Work do\n  def " + function + ", do: " + call + "\nend\n"}}
}

// tls has the endpoint listen for HTTPS as well.
func tls() []change {
	return []change{{"config/runtime.exs", "    secret_key_base: secret_key_base\n", "    https: [port: 4443, certfile: \"/tls/tls.crt\"],\n    secret_key_base: secret_key_base\n"}}
}

// argumentsOf gives the container arguments without a command.
func argumentsOf(first string) change {
	return change{"k8s.yaml", "        ports:\n", "        args: [\"" + first + "\", \"start\", \"${POOL_SIZE}\"]\n        ports:\n"}
}

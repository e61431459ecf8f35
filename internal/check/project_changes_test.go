package check

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

// routed has a route of the Gateway API, for some hosts.
func routed(hosts string) change {
	return change{"route.yaml", "", "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop, namespace: prod}\nspec:\n  parentRefs: [{name: public}]\n  hostnames: " + hosts + "\n  rules:\n  - backendRefs: [{name: shop, port: 80}]\n"}
}

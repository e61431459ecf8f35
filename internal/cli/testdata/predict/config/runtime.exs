import Config

config :spot,
  port: String.to_integer(System.get_env("PORT", "4000")),
  bind: System.get_env("POD_IP", "127.0.0.1"),
  dns_cluster_query: nil

config :libcluster,
  topologies: [
    spot: [
      strategy: Cluster.Strategy.Kubernetes.DNS,
      config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot", polling_interval: 200]
    ]
  ]

import Config

env = &System.get_env/1
[base, _host] = System.get_env("RELEASE_NODE", "scout@localhost") |> String.split("@", parts: 2)

# What a team writes into the configuration of the library that Scout plays.
config :scout,
  port: String.to_integer(System.get_env("PORT", "4000")),
  bind: System.get_env("POD_IP", "127.0.0.1"),
  discovery: System.get_env("SCOUT_DISCOVERY", "Phial"),
  interval: 500,
  base: base,
  service: env.("PHIAL_SERVICE"),
  namespace: env.("POD_NAMESPACE"),
  domain: System.get_env("CLUSTER_DOMAIN", "cluster.local"),
  query: env.("DNS_CLUSTER_QUERY"),
  mode: env.("SCOUT_MODE"),
  selector: env.("SCOUT_SELECTOR"),
  api: env.("SCOUT_API"),
  account: System.get_env("SCOUT_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount")

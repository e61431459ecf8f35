import Config

# Read when the release boots, not when it is built.
config :tally,
  port: String.to_integer(System.get_env("PORT", "4000")),
  # The address to listen on: all of them unless one is named. A pod's own address is as good as all.
  bind: System.get_env("HTTP_BIND") || System.get_env("POD_IP") || "any",
  # How long a replica that was told to stop waits for the requests it is answering.
  drain_timeout: String.to_integer(System.get_env("DRAIN_TIMEOUT_MS", "25000"))

# What it was built for, unless said otherwise.
if server = System.get_env("TALLY_SERVER"), do: config(:tally, server: server)

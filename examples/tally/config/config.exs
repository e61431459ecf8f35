import Config

# What is the same everywhere. What differs from one place to the next is read at boot, in runtime.exs.
config :logger, level: :info

# "inets", or "cowboy" where that is installed: mix.exs reads the same variable, and runtime.exs too.
config :tally, server: System.get_env("TALLY_SERVER", "inets")

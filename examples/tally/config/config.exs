import Config

# What is the same everywhere. What differs from one place to the next is read at boot, in runtime.exs.
config :logger, level: :info

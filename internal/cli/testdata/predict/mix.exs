defmodule Spot.MixProject do
  use Mix.Project

  def project do
    [
      app: :spot,
      version: "1.0.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [{:libcluster, path: "vendor/libcluster"}, {:dns_cluster, path: "vendor/dns_cluster"}],
      releases: [spot: [include_executables_for: [:unix]]]
    ]
  end

  def application do
    [mod: {Spot.Application, []}, extra_applications: [:logger, :ssl]]
  end
end

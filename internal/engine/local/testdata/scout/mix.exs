defmodule Scout.MixProject do
  use Mix.Project

  def project do
    [
      app: :scout,
      version: "1.0.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [scout: [include_executables_for: [:unix]]]
    ]
  end

  def application do
    [mod: {Scout.Application, []}, extra_applications: [:logger, :inets, :ssl]]
  end
end

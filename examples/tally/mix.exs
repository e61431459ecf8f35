defmodule Tally.MixProject do
  use Mix.Project

  def project do
    [
      app: :tally,
      version: "1.0.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      # The tests start and stop the application themselves, on a port of their own.
      aliases: [test: "test --no-start"],
      deps: [],
      releases: releases()
    ]
  end

  def application do
    [
      mod: {Tally.Application, []},
      extra_applications: extra_applications(Mix.env())
    ]
  end

  # The HTTP client that the tests use wants ssl to be there; the server does not.
  defp extra_applications(:test), do: [:ssl | extra_applications(:prod)]
  defp extra_applications(_env), do: [:logger, :inets] ++ server()

  # Cowboy from the libraries of the machine, as some distributions have it: no dependency to fetch.
  defp server, do: if(System.get_env("TALLY_SERVER") == "cowboy", do: [:cowboy], else: [])

  defp releases do
    [
      tally: [include_executables_for: [:unix]]
    ]
  end
end

defmodule Scout.Application do
  @moduledoc "Looks for peers, and tells by HTTP what came of it."

  use Application

  @impl true
  def start(_type, _args) do
    config = Map.new(Application.get_all_env(:scout))

    children = [
      {Scout.Finder, config},
      {Scout.Web, port: config.port, bind: config.bind}
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Scout.Supervisor)
  end
end

defmodule Spot.Application do
  @moduledoc "Looks for peers as most apps do, and tells by HTTP what came of it."

  use Application

  @impl true
  def start(_type, _args) do
    topologies = Application.get_env(:libcluster, :topologies) || []

    children = [
      {Cluster.Supervisor, [topologies, [name: Spot.ClusterSupervisor]]},
      {DNSCluster, query: Application.get_env(:spot, :dns_cluster_query) || :ignore, interval: 200},
      {Spot.Web, port: Application.fetch_env!(:spot, :port), bind: Application.fetch_env!(:spot, :bind)}
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Spot.Supervisor)
  end
end

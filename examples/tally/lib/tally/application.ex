defmodule Tally.Application do
  @moduledoc """
  Starts the parts in the order in which they need one another; they stop in the reverse order:
  HTTP first, then the counter, which hands its counts over to another replica, and the process group last.
  """

  use Application

  @impl true
  def start(_type, _args) do
    children = [
      %{id: :pg, start: {:pg, :start_link, [Tally.PG]}},
      Tally.Roster,
      Tally.Counter,
      Tally.Web.Requests,
      {server(env(:server)), port: env(:port), bind: env(:bind)}
    ]

    # Each part uses the ones before it, so they restart together with what they use.
    Supervisor.start_link(children, strategy: :rest_for_one, name: Tally.Supervisor)
  end

  # Called on SIGTERM while everything still runs, and also when it is the parts that have given up.
  @impl true
  def prep_stop(state) do
    if Process.whereis(Tally.Supervisor) do
      Tally.Counter.retire()
      Tally.Web.Requests.drain(env(:drain_timeout))
    end

    state
  end

  defp server("inets"), do: Tally.Web
  defp server("cowboy"), do: Tally.Web.Cowboy

  defp env(key), do: Application.fetch_env!(:tally, key)
end

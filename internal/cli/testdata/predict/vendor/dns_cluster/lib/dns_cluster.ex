defmodule DNSCluster do
  @moduledoc "Asks and dials as dns_cluster 0.2 does: addresses, by the node's own base name, all at the same time. It drops nobody."

  use GenServer

  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, name: __MODULE__)

  @impl true
  def init(opts) do
    case Keyword.fetch!(opts, :query) do
      :ignore ->
        :ignore

      query ->
        :persistent_term.put({__MODULE__, :rounds}, 0)
        {:ok, %{query: List.wrap(query), interval: Keyword.get(opts, :interval, 5_000)}, {:continue, :look}}
    end
  end

  @impl true
  def handle_continue(:look, state), do: look(state)

  @impl true
  def handle_info(:look, state), do: look(state)

  defp look(state) do
    [base, _host] = node() |> to_string() |> String.split("@")
    addresses = for query <- state.query, type <- [:a, :aaaa, :srv], ip <- ask(query, type), uniq: true, do: ip
    names = for ip <- addresses, name = :"#{base}@#{:inet.ntoa(ip)}", name not in Node.list(), do: name
    names |> Enum.map(&Task.async(fn -> Node.connect(&1) end)) |> Enum.each(&Task.await(&1, :infinity))
    :persistent_term.put({__MODULE__, :rounds}, :persistent_term.get({__MODULE__, :rounds}) + 1)
    Process.send_after(self(), :look, state.interval)
    {:noreply, state}
  end

  defp ask(query, type) do
    case :inet_res.getbyname(to_charlist(query), type) do
      {:ok, {:hostent, _name, _aliases, _type, _length, found}} when type == :srv ->
        for {_priority, _weight, _port, target} <- found,
            {:ok, {:hostent, _name, _aliases, _type, _length, ips}} <- [:inet.gethostbyname(target)],
            ip <- ips,
            do: ip

      {:ok, {:hostent, _name, _aliases, _type, _length, found}} ->
        found

      {:error, _reason} ->
        []
    end
  end
end

# The questions of libcluster 3.5, by the same functions of OTP, and the names that it makes of the answers.

defmodule Cluster.Strategy.Kubernetes.DNS do
  @moduledoc "A records of a name that the search list completes; dials addresses."
  use Cluster.Strategy

  @impl true
  def list(config) do
    base = Keyword.fetch!(config, :application_name)
    service = Keyword.fetch!(config, :service)

    case base && service && :inet_res.getbyname(to_charlist(service), :a) do
      {:ok, {:hostent, _name, _aliases, _type, _length, found}} -> for ip <- found, do: :"#{base}@#{:inet.ntoa(ip)}"
      _none -> []
    end
  end
end

defmodule Cluster.Strategy.Kubernetes.DNSSRV do
  @moduledoc "SRV records of the Service's full name; dials their targets."
  use Cluster.Strategy

  @impl true
  def list(config) do
    base = Keyword.fetch!(config, :application_name)
    service = Keyword.fetch!(config, :service)
    namespace = Keyword.fetch!(config, :namespace)
    domain = System.get_env("CLUSTER_DOMAIN", "cluster.local")

    case :inet_res.getbyname(to_charlist("#{service}.#{namespace}.svc.#{domain}."), :srv) do
      {:ok, {:hostent, _name, _aliases, _type, _length, found}} ->
        for {_priority, _weight, _port, target} <- found, do: :"#{base}@#{target}"

      _none ->
        []
    end
  end
end

defmodule Cluster.Strategy.DNSPoll do
  @moduledoc "A and AAAA records of a full name, without the search list; dials addresses."
  use Cluster.Strategy

  @impl true
  def list(config) do
    query = Keyword.get(config, :query)
    base = Keyword.get(config, :node_basename)

    if query in [nil, ""] or base in [nil, ""],
      do: [],
      else: for(type <- [:a, :aaaa], ip <- :inet_res.lookup(to_charlist(query), :in, type), do: :"#{base}@#{:inet.ntoa(ip)}")
  end
end

defmodule Cluster.Strategy.Epmd do
  @moduledoc "The names of a list, once, or again after each timeout."
  use Cluster.Strategy

  @impl true
  def list(config), do: Keyword.get(config, :hosts, [])

  def start_link(config) do
    if Keyword.get(config, :hosts, []) == [],
      do: :ignore,
      else: Cluster.Strategy.start_link({__MODULE__, config, Keyword.get(config, :timeout, :infinity)})
  end
end

defmodule Cluster.Strategy.LocalEpmd do
  @moduledoc "What EPMD of the node's own machine knows, once, by the node's own host part."
  use Cluster.Strategy

  @impl true
  def list(_config) do
    [_base, host] = node() |> to_string() |> String.split("@")

    case :erl_epmd.names() do
      {:ok, names} -> for {base, _port} <- names, do: :"#{base}@#{host}"
      _none -> []
    end
  end

  def start_link(config), do: Cluster.Strategy.start_link({__MODULE__, config, :infinity})
end

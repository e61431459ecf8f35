defmodule Scout.Lookup do
  @moduledoc """
  The questions of libcluster 3.5 and of dns_cluster, asked in the same words and by the same functions of OTP. What
  they are called here is what spec.clustered.discovery of a BeamApp calls them.
  """

  alias Scout.API

  @doc "Asks as the configuration says, and gives the question beside the answer: the names to dial."
  def ask(%{discovery: "LibclusterDNS"} = config) do
    # Cluster.Strategy.Kubernetes.DNS: the Service's short name, by the search list.
    records(config.service, :a, fn address -> name(config, ntoa(address)) end)
  end

  def ask(%{discovery: "LibclusterDNSSRV"} = config) do
    # Cluster.Strategy.Kubernetes.DNSSRV.
    records(
      "#{config.service}.#{config.namespace}.svc.#{config.domain}.",
      :srv,
      fn {_priority, _weight, _port, target} -> name(config, target) end
    )
  end

  def ask(%{discovery: "LibclusterKubernetes"} = config) do
    # Cluster.Strategy.Kubernetes with kubernetes_ip_lookup_mode: :pods.
    path = "api/v1/namespaces/#{config.namespace}/pods?labelSelector=#{URI.encode(config.selector)}"

    answer =
      case API.get(config, path) do
        {:ok, 200, %{"items" => items}} -> {:ok, for(pod <- items, name = pod_name(config, pod), do: name)}
        {:ok, 403, body} -> {:error, body}
        {:ok, status, body} -> {:keep, {status, body}}
        {:error, reason} -> {:keep, reason}
      end

    {path, answer}
  end

  # What Phoenix's application.ex does with a query that is not set: DNSCluster, query: :ignore.
  def ask(%{discovery: "DNSCluster", query: nil}), do: {"", {:ok, []}}

  def ask(%{discovery: "DNSCluster"} = config) do
    # Both kinds of addresses; a kind of which there is none is no error.
    found =
      for type <- [:a, :aaaa],
          {_asked, {:ok, names}} <- [records(config.query, type, &name(config, ntoa(&1)))],
          do: names

    {"#{config.query} A, AAAA", {:ok, Enum.concat(found)}}
  end

  defp records(domain, type, fun) do
    answer =
      case :inet_res.getbyname(to_charlist(domain), type) do
        {:ok, {:hostent, _name, _aliases, _type, _length, records}} -> {:ok, Enum.map(records, fun)}
        {:error, reason} -> {:error, reason}
      end

    {"#{domain} #{type |> to_string() |> String.upcase()}", answer}
  end

  defp pod_name(%{mode: "ip"} = config, %{"status" => %{"podIP" => ip}}), do: name(config, ip)

  defp pod_name(%{mode: "hostname"} = config, %{"status" => %{"podIP" => _ip}} = pod) do
    # libcluster writes what is missing, too: app@.service… where a pod has no hostname.
    host = pod["spec"]["hostname"]
    name(config, "#{host}.#{config.service}.#{pod["metadata"]["namespace"]}.svc.#{config.domain}")
  end

  # A pod that has no address yet.
  defp pod_name(_config, _pod), do: nil

  defp name(config, host), do: :"#{config.base}@#{host}"

  defp ntoa(address), do: address |> :inet.ntoa() |> to_string()
end

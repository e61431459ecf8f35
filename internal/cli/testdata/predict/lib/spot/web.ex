defmodule Spot.Web do
  @moduledoc "Answers every request with what this node is called, whom it is connected to, and how often it has looked."

  use Task, restart: :permanent

  def start_link(opts), do: Task.start_link(__MODULE__, :listen, [opts])

  def listen(opts) do
    {:ok, address} = opts |> Keyword.fetch!(:bind) |> to_charlist() |> :inet.parse_address()
    options = [:binary, ip: address, packet: :http_bin, active: false, reuseaddr: true, backlog: 128]
    {:ok, listener} = :gen_tcp.listen(Keyword.fetch!(opts, :port), options)
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    pid = spawn(fn -> answer(socket) end)
    :gen_tcp.controlling_process(socket, pid)
    accept(listener)
  end

  defp answer(socket) do
    with {:ok, {:http_request, _method, _path, _version}} <- :gen_tcp.recv(socket, 0, 5_000), :ok <- headers(socket) do
      body = status()
      :gen_tcp.send(socket, "HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n#{body}")
    end

    :gen_tcp.close(socket)
  end

  defp headers(socket) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, :http_eoh} -> :ok
      {:ok, _header} -> headers(socket)
      {:error, reason} -> {:error, reason}
    end
  end

  # Texts of letters, digits and @.-_ are written alike by Elixir and by JSON.
  defp status do
    rounds = for looker <- [Cluster.Strategy, DNSCluster], n = :persistent_term.get({looker, :rounds}, nil), do: n
    names = for name <- Node.list(), do: to_string(name)
    ~s({"node": #{json(to_string(node()))}, "connected": #{json(names)}, "rounds": #{json(rounds)}}\n)
  end

  defp json(value), do: inspect(value, charlists: :as_lists)
end

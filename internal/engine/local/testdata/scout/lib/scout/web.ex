defmodule Scout.Web do
  @moduledoc """
  Answers every request: `/status` with what the finder did, and whatever else with 200, for probes.
  """

  use Task, restart: :permanent
  alias Scout.{Finder, JSON}

  def start_link(opts), do: Task.start_link(__MODULE__, :listen, [opts])

  def listen(opts) do
    {:ok, address} = opts |> Keyword.fetch!(:bind) |> to_charlist() |> :inet.parse_address()
    family = if tuple_size(address) == 8, do: :inet6, else: :inet
    options = [family, :binary, ip: address, packet: :http_bin, active: false, reuseaddr: true, backlog: 128]
    {:ok, listener} = :gen_tcp.listen(Keyword.fetch!(opts, :port), options)
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    pid = spawn(fn -> serve(socket) end)
    :gen_tcp.controlling_process(socket, pid)
    accept(listener)
  end

  defp serve(socket) do
    with {:ok, {:http_request, _method, {:abs_path, path}, _version}} <- :gen_tcp.recv(socket, 0, 5_000),
         :ok <- headers(socket) do
      body = body(path)

      :gen_tcp.send(
        socket,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n#{body}"
      )
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

  defp body("/status"), do: JSON.encode(Map.merge(Finder.report(), %{node: node(), connected: Node.list()})) <> "\n"
  defp body(_path), do: "{}\n"
end

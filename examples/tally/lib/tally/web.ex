defmodule Tally.Web do
  @moduledoc """
  The HTTP server: OTP's own `:httpd`, supervised like any other part, with `Tally.Web.Handler` for all requests.
  Instead of it there may be `Tally.Web.Cowboy`.
  """

  require Logger

  # Seconds for which a connection without a request is kept.
  @keep_alive 60

  def child_spec(opts) do
    %{id: __MODULE__, start: {__MODULE__, :start_link, [opts]}, type: :supervisor}
  end

  @doc """
  Starts the server. `:port` is the TCP port, `:bind` the address to listen on as text, or "any".
  """
  def start_link(opts) do
    port = Keyword.fetch!(opts, :port)
    bind = Keyword.fetch!(opts, :bind)

    with {:ok, address, family} <- parse(bind),
         {:ok, pid} <- :inets.start(:httpd, config(port, address, family), :stand_alone) do
      Logger.info("#{node()} answers on #{bind}, port #{port}")
      {:ok, pid}
    else
      {:error, reason} ->
        Logger.error("can't listen on #{bind}, port #{port}: #{inspect(reason)}")
        {:error, reason}
    end
  end

  defp config(port, address, family) do
    # httpd insists on two directories, though nothing is served from them.
    directory = :tally |> Application.app_dir() |> String.to_charlist()

    [
      port: port,
      bind_address: address,
      ipfamily: family,
      server_name: ~c"tally",
      server_root: directory,
      document_root: directory,
      modules: [Tally.Web.Handler],
      max_clients: 1_000,
      max_body_size: 65_536,
      keep_alive_timeout: @keep_alive
    ]
  end

  @doc "An address as text, or \"any\", as the sockets of OTP want it, with its family."
  def parse("any"), do: {:ok, :any, :inet}

  def parse(text) do
    case :inet.parse_address(String.to_charlist(text)) do
      {:ok, address} when tuple_size(address) == 8 -> {:ok, address, :inet6}
      {:ok, address} -> {:ok, address, :inet}
      {:error, reason} -> {:error, reason}
    end
  end
end

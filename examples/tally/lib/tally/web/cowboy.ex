defmodule Tally.Web.Cowboy do
  @moduledoc """
  The same as `Tally.Web` on cowboy, where that is one of the installed libraries: `TALLY_SERVER=cowboy`, when the
  application is built and when it runs. Nothing of it is needed otherwise, so that Tally stands on OTP alone.

  It is also the handler: cowboy calls `init/2` in a process of the request's own.
  """

  alias Tally.Web.{Handler, Requests}

  @compile {:no_warn_undefined, [:ranch, :cowboy_req, :cowboy_router]}

  # Milliseconds for which a connection without a request is kept, and one whose request is being answered: the longest
  # answer takes a minute.
  @keep_alive 60_000
  @idle 90_000

  @doc "The listener's specification. `:port` is the TCP port, `:bind` the address to listen on as text, or \"any\"."
  def child_spec(opts) do
    dispatch = :cowboy_router.compile([{:_, [{:_, __MODULE__, nil}]}])

    transport = %{
      connection_type: :supervisor,
      max_connections: 1_000,
      socket_opts: [port: Keyword.fetch!(opts, :port)] ++ address(Keyword.fetch!(opts, :bind))
    }

    protocol = %{
      connection_type: :supervisor,
      env: %{dispatch: dispatch},
      request_timeout: @keep_alive,
      idle_timeout: @idle
    }

    :ranch.child_spec(__MODULE__, :ranch_tcp, transport, :cowboy_clear, protocol)
  end

  defp address(bind) do
    case Tally.Web.parse(bind) do
      {:ok, :any, family} -> [family]
      {:ok, address, family} -> [family, ip: address]
      {:error, reason} -> raise ArgumentError, "can't listen on #{bind}: #{inspect(reason)}"
    end
  end

  def init(request, state) do
    Requests.begin()
    target = request |> :cowboy_req.uri(%{host: :undefined}) |> IO.iodata_to_binary()
    {status, text} = request |> :cowboy_req.method() |> Handler.answer(target)
    headers = Map.merge(%{"content-type" => "application/json"}, connection())
    {:ok, :cowboy_req.reply(status, headers, text, request), state}
  after
    Requests.finish()
  end

  defp connection, do: if(Requests.draining?(), do: %{"connection" => "close"}, else: %{})
end

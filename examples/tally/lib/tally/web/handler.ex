defmodule Tally.Web.Handler do
  @moduledoc """
  What is served:

    * `GET /` - this node, the nodes it counts with, and all totals
    * `POST /tally/NAME` - counts one vote for NAME and answers with the new total
    * `GET /tally/NAME` - the total of NAME
    * `GET /health/live` - 200 as long as this process answers
    * `GET /health/ready` - 200, or 503 from the moment the replica was told to stop
    * `GET /slow?ms=N` - answers after N milliseconds, at most a minute: something to drain

  A callback module of `:httpd`, which calls `do/1` in the process of the connection. Another server takes `answer/2`.
  """

  require Record
  alias Tally.{JSON, Web.Requests}

  Record.defrecordp(:mod, Record.extract(:mod, from_lib: "inets/include/httpd.hrl"))

  @longest 60_000

  # `do` is a word of the language, so it can't be written as a function's name.
  def unquote(:do)(request) do
    Requests.begin()
    target = request |> mod(:request_uri) |> to_string()
    {status, text} = request |> mod(:method) |> to_string() |> answer(target)

    head = [
      code: status,
      content_type: ~c"application/json",
      content_length: text |> byte_size() |> Integer.to_charlist()
    ]

    # httpd sends the head and has send/3 send the body: then, and not earlier, the request is finished.
    body = {&send_body/3, [mod(request, :socket_type), mod(request, :socket), text]}
    {:proceed, [response: {:response, head ++ connection(), body}]}
  end

  @doc false
  def send_body(type, socket, text) do
    :httpd_socket.deliver(type, socket, text)
    :sent
  after
    Requests.finish()
  end

  defp connection, do: if(Requests.draining?(), do: [connection: ~c"close"], else: [])

  @doc "The status and the text of the answer to a request. The target is a path, perhaps with a query."
  @spec answer(method :: String.t(), target :: String.t()) :: {pos_integer, String.t()}
  def answer(method, target) do
    uri = URI.parse(target)
    {status, body} = respond(method, path(uri.path), URI.decode_query(uri.query || ""))
    {status, JSON.encode(body) <> "\n"}
  end

  defp path(nil), do: []
  defp path(path), do: path |> String.split("/", trim: true) |> Enum.map(&URI.decode/1)

  defp respond("GET", [], _query) do
    {200, %{node: node(), members: Tally.members(), tallies: Tally.tallies()}}
  end

  defp respond("POST", ["tally", name], _query) do
    if valid?(name),
      do: {200, %{node: node(), name: name, count: Tally.vote(name)}},
      else: {400, %{error: "a name has 1 to 64 letters, digits and . _ -"}}
  end

  defp respond("GET", ["tally", name], _query) do
    {200, %{node: node(), name: name, count: Tally.count(name)}}
  end

  defp respond("GET", ["health", "live"], _query), do: {200, %{status: "live"}}

  defp respond("GET", ["health", "ready"], _query) do
    if Requests.draining?(), do: {503, %{status: "draining"}}, else: {200, %{status: "ready"}}
  end

  defp respond("GET", ["slow"], query) do
    case Integer.parse(Map.get(query, "ms", "1000")) do
      {ms, ""} when ms in 0..@longest ->
        Process.sleep(ms)
        {200, %{node: node(), slept: ms}}

      _other ->
        {400, %{error: "ms is a number from 0 to #{@longest}"}}
    end
  end

  defp respond(_method, path, _query) do
    if known?(path),
      do: {405, %{error: "method not allowed"}},
      else: {404, %{error: "nothing here"}}
  end

  defp known?([]), do: true
  defp known?(["tally", _name]), do: true
  defp known?(["health", which]), do: which in ["live", "ready"]
  defp known?(["slow"]), do: true
  defp known?(_path), do: false

  defp valid?(name), do: String.valid?(name) and name =~ ~r/\A[\p{L}\p{N}._-]{1,64}\z/u
end

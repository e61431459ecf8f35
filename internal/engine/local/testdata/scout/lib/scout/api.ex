defmodule Scout.API do
  @moduledoc "Asks the API server as libcluster does: by httpc, with the service account's token and authority."

  alias Scout.JSON

  @timeout 15_000

  def get(config, path) do
    token = config.account |> Path.join("token") |> File.read!() |> String.trim()
    ca = config.account |> Path.join("ca.crt") |> to_charlist()
    request = {~c"#{config.api}/#{path}", [{~c"authorization", ~c"Bearer #{token}"}]}
    options = [ssl: [verify: :verify_peer, cacertfile: ca], timeout: @timeout]

    case :httpc.request(:get, request, options, body_format: :binary) do
      {:ok, {{_version, status, _phrase}, _headers, body}} -> {:ok, status, JSON.decode(body)}
      {:error, reason} -> {:error, reason}
    end
  end
end

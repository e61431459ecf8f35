defmodule Tally.WebTest do
  use ExUnit.Case
  alias Tally.Web.Requests

  defp url(path), do: "http://127.0.0.1:#{Application.fetch_env!(:tally, :port)}#{path}"

  # The answer's status, text and headers.
  defp request(method, path, profile \\ :default) do
    request =
      if method == :post,
        do: {url(path), [], ~c"text/plain", ""},
        else: {url(path), []}

    with {:ok, {{_version, status, _phrase}, headers, body}} <-
           :httpc.request(method, request, [timeout: 30_000], [body_format: :binary], profile),
         do:
           {status, body,
            Map.new(headers, fn {key, value} -> {to_string(key), to_string(value)} end)}
  end

  setup do
    on_exit(fn -> :ok = Tally.TestServer.start() end)
  end

  test "votes are counted and shown" do
    name = "ada-#{System.unique_integer([:positive])}"
    assert {200, one, headers} = request(:post, "/tally/#{name}")
    assert one == ~s({"count":1,"name":"#{name}","node":"nonode@nohost"}\n)
    assert headers["content-type"] == "application/json"
    assert {200, two, _headers} = request(:post, "/tally/#{name}")
    assert two =~ ~s("count":2)
    assert {200, ^two, _headers} = request(:get, "/tally/#{name}")
    assert {200, all, _headers} = request(:get, "/")
    assert all =~ ~s("members":["nonode@nohost"],"node":"nonode@nohost")
    assert all =~ ~s("#{name}":2)
  end

  test "names are checked" do
    assert {200, body, _headers} = request(:post, "/tally/%C3%A9t%C3%A9")
    assert body =~ ~s("name":"été")

    for name <- ["a%20b", "%FF", String.duplicate("x", 65), "a%22b"] do
      assert {400, _body, _headers} = request(:post, "/tally/#{name}")
    end
  end

  test "what is not served" do
    assert {404, _body, _headers} = request(:get, "/nothing")
    assert {404, _body, _headers} = request(:get, "/health/other")
    assert {405, _body, _headers} = request(:post, "/slow")
    assert {405, _body, _headers} = request(:delete, "/tally/x")
    assert {400, _body, _headers} = request(:get, "/slow?ms=often")
  end

  test "health" do
    assert {200, ~s({"status":"live"}\n), _headers} = request(:get, "/health/live")
    assert {200, ~s({"status":"ready"}\n), _headers} = request(:get, "/health/ready")
  end

  test "a finished request is forgotten, on a connection that stays" do
    assert {200, _body, headers} = request(:get, "/")
    refute Map.has_key?(headers, "connection")
    assert Requests.drain(5_000) == :ok
    assert Requests.count() == 0
    :ok = Application.stop(:tally)
  end

  test "stopping waits for the request in flight, and then closes" do
    slow = Task.async(fn -> request(:get, "/slow?ms=700") end)
    Tally.TestServer.wait_until(fn -> Requests.count() == 1 end)
    stop = Task.async(fn -> Application.stop(:tally) end)
    Tally.TestServer.wait_until(&Requests.draining?/0)

    # Whoever comes while it drains is served, told not to come again on this connection, and that it is not ready.
    {:ok, _pid} = :inets.start(:httpc, profile: :late)
    assert {200, _body, %{"connection" => "close"}} = request(:post, "/tally/late", :late)
    assert {503, _body, %{"connection" => "close"}} = request(:get, "/health/ready", :late)

    assert {200, _body, %{"connection" => "close"}} = Task.await(slow)
    assert :ok = Task.await(stop)
    assert {:error, {:failed_connect, _details}} = request(:get, "/", :late)
    :ok = :inets.stop(:httpc, :late)
  end

  test "draining gives up in the end" do
    slow = Task.async(fn -> request(:get, "/slow?ms=1000") end)
    Tally.TestServer.wait_until(fn -> Requests.count() == 1 end)
    assert Requests.drain(50) == {:error, :timeout}
    assert {200, _body, _headers} = Task.await(slow)
    :ok = Application.stop(:tally)
  end

  test "an address that is none is refused, and named" do
    log =
      ExUnit.CaptureLog.capture_log(fn ->
        assert {:error, :einval} = Tally.Web.start_link(port: 0, bind: "nowhere")
      end)

    assert log =~ "can't listen on nowhere"
  end
end

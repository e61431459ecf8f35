package dist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
)

func ExampleDial() {
	node, err := erltest.New(erltest.Options{Name: "shop@127.0.0.1", Cookie: dist.NewCookie("secret"), Peers: []string{"shop@127.0.0.2"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()

	ctx := context.Background()
	conn, err := dist.Dial(ctx, "shop@127.0.0.1", dist.Config{
		Cookie: dist.NewCookie("secret"),
		Port:   int(node.Addr().Port()), // without a port, EPMD is asked
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	peers, err := conn.Call(ctx, "erlang", "nodes")
	fmt.Println(peers, err)
	release, err := conn.ERPC(ctx, "erlang", "system_info", etf.Atom("otp_release"))
	fmt.Println(release, err)
	// Output:
	// ['shop@127.0.0.2'] <nil>
	// "27" <nil>
}

func ExampleError() {
	node, err := erltest.New(erltest.Options{Name: "shop@127.0.0.1", Cookie: dist.NewCookie("secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()

	_, err = dist.Dial(context.Background(), "shop@127.0.0.1", dist.Config{
		Cookie: dist.NewCookie("another"), Port: int(node.Addr().Port()),
	})
	var e *dist.Error
	if errors.As(err, &e) {
		fmt.Println(e.Stage, e.Cause, e.Peer)
	}
	// Output: ack cookie shop@127.0.0.1
}

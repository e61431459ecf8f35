// Command app is what tests run in pods: it answers over HTTP and does over the network what it is asked to.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// patience is what it has with the network.
const patience = 700 * time.Millisecond

func main() {
	if len(os.Args) > 1 {
		fmt.Println(strings.Join(os.Args[1:], " "))
		return
	}
	if url := os.Getenv("FIRST"); url != "" {
		said, err := get(context.Background(), url)
		fmt.Printf("first %q, %v\n", said, err)
	}
	fmt.Println("serving")
	go echo(":9000")
	go func() { fmt.Println(http.ListenAndServe(":8081", nil)) }()
	h := &held{}
	for path, do := range map[string]func(ctx context.Context, arg string) (string, error){
		"/":       func(context.Context, string) (string, error) { return os.Hostname() },
		"/get":    get,
		"/lookup": lookup,
		"/srv":    srv,
		"/hold":   h.dial,
		"/held":   h.say,
		"/eat":    eat,
	} {
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			said, err := do(r.Context(), r.URL.Query().Get("arg"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			fmt.Fprint(w, said)
		})
	}
	fmt.Println(http.ListenAndServe(":8080", nil))
	os.Exit(1)
}

// eat takes more and more memory.
func eat(context.Context, string) (string, error) {
	for all := [][]byte{}; ; {
		all = append(all, bytes.Repeat([]byte{1}, 1<<20))
	}
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func lookup(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, name)
	return strings.Join(found, " "), err
}

func srv(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, found, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
	var all []string
	for _, s := range found {
		all = append(all, fmt.Sprintf("%s:%d", s.Target, s.Port))
	}
	return strings.Join(all, " "), err
}

// held is a connection that stays open from one request to the next.
type held struct {
	mu   sync.Mutex
	conn net.Conn
}

func (h *held) dial(_ context.Context, address string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return "", err
	}
	h.conn = c
	return c.LocalAddr().String(), nil
}

// say sends a word by the connection, and waits for the echo.
func (h *held) say(_ context.Context, word string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn == nil {
		return "", errors.New("no connection")
	}
	h.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(h.conn, word); err != nil {
		return "", err
	}
	// Echoes of words that were given up on come first.
	var got strings.Builder
	for b := make([]byte, 100); !strings.HasSuffix(got.String(), word); {
		n, err := h.conn.Read(b)
		if err != nil {
			return "", err
		}
		got.Write(b[:n])
	}
	return word, nil
}

func echo(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}

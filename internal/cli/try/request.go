package try

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/report"
)

// askTimeout is how long a replica has to answer one request.
const askTimeout = 5 * time.Second

// Request is one request to one replica and what came of it.
type Request struct {
	Replica string `json:"replica"`
	URL     string `json:"url"`
	Status  int    `json:"status,omitempty"`
	MS      int64  `json:"ms"`
	Body    string `json:"body,omitempty"` // its beginning
	Error   string `json:"error,omitempty"`
}

// ok: it answered, and not that it is broken. What / means is the app's affair,
// so a 404 is an answer.
func (r Request) ok() bool { return r.Error == "" && r.Status < 500 }

func answered(rs []Request) bool {
	for _, r := range rs {
		if !r.ok() {
			return false
		}
	}
	return true
}

// ask sends a request to every replica that has an http port, all at once.
func ask(ctx context.Context, pods []local.Pod, path string) []Request {
	client := &http.Client{
		Timeout:       askTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	rs := []Request{}
	for _, p := range pods {
		if p.HTTPPort != 0 {
			rs = append(rs, Request{Replica: p.Name, URL: "http://" + net.JoinHostPort(p.IP, strconv.Itoa(p.HTTPPort)) + path})
		}
	}
	var wg sync.WaitGroup
	for i := range rs {
		wg.Go(func() { rs[i].send(ctx, client) })
	}
	wg.Wait()
	return rs
}

func (r *Request) send(ctx context.Context, client *http.Client) {
	begin := time.Now()
	defer func() { r.MS = time.Since(begin).Milliseconds() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		r.Error = err.Error()
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		r.Error = err.Error()
		return
	}
	defer resp.Body.Close()
	r.Status = resp.StatusCode
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		r.Error = err.Error()
	}
	r.Body = strings.TrimSpace(string(body))
}

func showRequests(s *term.IO, rs []Request) {
	rows := [][]string{{"REPLICA", "REQUEST", "ANSWER", "TIME", ""}}
	for _, r := range rs {
		answer := strconv.Itoa(r.Status)
		said := firstLine(r.Body)
		if r.Error != "" {
			answer, said = "none", r.Error
		}
		rows = append(rows, []string{r.Replica, "GET " + r.URL, answer, fmt.Sprintf("%d ms", r.MS), said})
	}
	report.Table(s.Out, rows, report.Style{Colour: s.Colour, Width: s.Width})
}

func firstLine(body string) string {
	const most = 80
	line, _, _ := strings.Cut(body, "\n")
	if r := []rune(line); len(r) > most {
		line = string(r[:most-1]) + "…"
	}
	return line
}

package load

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client is one run.
type client struct {
	Config
	targets []*target
	rec     *recorder
	random  *rand.Rand // of the goroutine that decides what is sent
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// target is one with what it has in a run.
type target struct {
	Target
	index int
	pool  pool
}

// job is one request.
type job struct {
	target       *target
	class        Class
	fresh        bool // on a connection of its own
	method, path string
	delay        time.Duration // that the server was asked to take
	due          time.Time
}

// Run sends until ctx ends or Config.Duration is over, waits for what is in flight, and reports. It writes a line to
// progress every five seconds, and one for each failure that is told as an example.
func Run(ctx context.Context, cfg Config, progress io.Writer) (Report, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return Report{}, err
	}
	c := newClient(cfg, progress)
	c.run(ctx)
	return c.rec.report(c.Config), nil
}

func newClient(cfg Config, progress io.Writer) *client {
	c := &client{Config: cfg, resolve: resolve, random: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed))}
	for i, t := range cfg.Targets {
		c.targets = append(c.targets, &target{Target: t, index: i, pool: pool{most: cfg.Pool}})
	}
	c.rec = newRecorder(cfg, progress)
	return c
}

func (c *client) run(ctx context.Context) {
	stopTelling := c.rec.tellEvery(5 * time.Second)
	defer stopTelling()
	holding, letGo := context.WithCancel(ctx)
	defer letGo()
	var all sync.WaitGroup
	for _, t := range c.targets {
		for i := range c.Idle {
			all.Go(func() { c.idler(t, i).run(holding) })
		}
		for i := range c.Long {
			all.Go(func() { c.longLived(t, i).run(holding) })
		}
	}
	c.arrivals(ctx, &all)
	c.rec.stopped()
	letGo()
	all.Wait()
	for _, t := range c.targets {
		t.pool.close()
	}
}

// arrivals starts each request at its time, whatever became of those before, until ctx ends or the last is sent.
func (c *client) arrivals(ctx context.Context, all *sync.WaitGroup) {
	for i := 0; ; i++ {
		at := time.Duration(float64(i) / c.Rate * float64(time.Second))
		if c.Duration > 0 && at >= c.Duration {
			pause(ctx, time.Until(c.rec.start.Add(c.Duration)))
			return
		}
		due := c.rec.start.Add(at)
		pause(ctx, time.Until(due))
		if ctx.Err() != nil {
			return
		}
		c.rec.late(time.Since(due))
		j := c.choose(c.targets[i%len(c.targets)], due)
		all.Go(func() { c.do(j) })
	}
}

// choose makes up the next request.
func (c *client) choose(t *target, due time.Time) job {
	j := job{target: t, class: KeepAlive, due: due, method: http.MethodGet}
	if j.fresh = c.random.Float64() < c.New; j.fresh {
		j.class = New
	}
	path, post := c.Path, c.Post
	if c.random.Float64() < c.Slow {
		j.class, path, post = Slow, c.SlowPath, c.SlowPost
		j.delay = c.SlowMin + time.Duration(c.random.Float64()*float64(c.SlowMax-c.SlowMin))
	}
	if c.random.Float64() < post {
		j.method = http.MethodPost
	}
	j.path = expand(path, c.random.IntN(c.Names), j.delay)
	return j
}

func expand(path string, name int, delay time.Duration) string {
	return strings.NewReplacer(
		"{name}", fmt.Sprintf("load-%d", name),
		"{seconds}", strconv.FormatFloat(delay.Seconds(), 'f', 3, 64),
		"{ms}", strconv.FormatInt(delay.Milliseconds(), 10),
	).Replace(path)
}

// request makes the HTTP request of a job.
func (j job) request() (*http.Request, error) {
	var body io.Reader
	if j.method == http.MethodPost && !j.target.Bare {
		body = strings.NewReader("{}\n")
	}
	url := "http://" + j.target.authority() + j.target.prefix + j.path
	req, err := http.NewRequestWithContext(context.Background(), j.method, url, body)
	if err != nil {
		return nil, err
	}
	req.Host = j.target.Host
	req.Header.Set("User-Agent", "phial-load")
	req.Header.Set("Accept", "*/*")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// do sends a request, once.
func (c *client) do(j job) {
	c.rec.begin(j)
	cn, f := c.connection(j)
	if f != nil {
		c.rec.end(j, outcome{failure: f})
		return
	}
	o := c.send(cn, j, false)
	if o.reuse && !j.fresh {
		j.target.pool.put(cn)
	} else {
		cn.Close()
	}
	c.rec.end(j, o)
}

// connection takes one from the pool that the server has not ended, or opens one.
func (c *client) connection(j job) (*conn, *failure) {
	for !j.fresh {
		cn := j.target.pool.get()
		if cn == nil {
			break
		}
		if !cn.closedByPeer() {
			return cn, nil
		}
		cn.Close()
		c.rec.closed(j.target, KeepAlive)
	}
	return c.open(j.target)
}

// send has a job's request answered on a connection.
func (c *client) send(cn *conn, j job, streams bool) outcome {
	req, err := j.request()
	if err != nil {
		return outcome{failure: fail(BadAnswer, err)} // not after Config.Check
	}
	reuse, asked, f := cn.exchange(req, c.Timeout+j.delay, streams)
	return outcome{conn: cn, reuse: reuse, askedClose: asked, failure: f}
}

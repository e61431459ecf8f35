package main

import (
	"testing"
	"time"

	"github.com/phialdev/phial/test/e2e/load"
)

func TestParse(t *testing.T) {
	cfg, err := parse([]string{"-url", "http://tally:4000", "-url", "http://skipper,host=tally.test,name=ingress", "-slow-max", "9s", "-idle", "7"})
	if err != nil {
		t.Fatal(err)
	}
	want := []load.Target{{URL: "http://tally:4000"}, {URL: "http://skipper", Host: "tally.test", Name: "ingress"}}
	if len(cfg.Targets) != 2 || cfg.Targets[0] != want[0] || cfg.Targets[1] != want[1] || cfg.SlowMax != 9*time.Second || cfg.Idle != 7 || cfg.Rate != 200 {
		t.Errorf("%+v", cfg)
	}
	for _, args := range [][]string{nil, {"-url", "http://tally,port=1"}, {"-url", "http://tally", "more"}, {"-url", "http://tally", "-rate", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v: nothing is wrong", args)
		}
	}
}

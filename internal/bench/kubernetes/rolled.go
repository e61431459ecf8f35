package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/test/e2e/load"
)

// printRollouts prints a row for each variant, and judges those with Phial.
func (w *world) printRollouts(all []rolled) {
	fmt.Printf("\nRolling updates of tally, %d replicas, under %d requests/s through Service and Ingress; a bare app does nothing of its own to drain\n\n", replicas, w.rate)
	fmt.Println("| | OTP | updates | s each | requests | failed | of which | connect p99, max | idle: failed | long-lived: failed | load |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range all {
		failed := strconv.Itoa(r.report.Failed)
		if r.phial {
			failed += " (0: " + w.judge(r.report.Failed == 0, "%s: %d of %d requests failed: %s", r.name, r.report.Failed, r.report.Sent, kinds(r.report)) + ")"
		}
		fmt.Printf("| %s | %s | %d | %.0f | %d | %s | %s | %s | %s | %s | %s |\n", r.name, w.otp[r.server], r.updates,
			r.took.Seconds()/float64(r.updates), r.report.Sent, failed, kinds(r.report), connects(r.report),
			class(r.report, load.Idle), class(r.report, load.Long), r.load)
	}
	fmt.Print("\nConnections that servers ended, told to close with an answer or between two; those of long-lived clients, opened anew\n\n" +
		"| | told to close | closed between | long-lived, opened anew | in different seconds | most in one second |\n|---|---|---|---|---|---|\n")
	for _, r := range all {
		fmt.Printf("| %s | %s |\n", r.name, endings(r.report))
	}
	for _, r := range all {
		r.explain()
	}
}

// kinds are those of failures among the requests that count.
func kinds(r load.Report) string {
	sum := map[string]int{}
	for _, t := range r.Targets {
		for c, of := range t.Classes {
			for k, n := range of.Kinds {
				if c != load.Idle && c != load.Long {
					sum[fmt.Sprintf("%s %s", t.Name, k)] += n
				}
			}
		}
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(sum)) {
		all = append(all, fmt.Sprintf("%d %s", sum[k], k))
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}

func connects(r load.Report) string {
	var all []string
	for _, t := range r.Targets {
		all = append(all, fmt.Sprintf("%s %.0f, %.0f ms", t.Name, t.ConnectMS.P99, t.ConnectMS.Max))
	}
	return strings.Join(all, "; ")
}

func class(r load.Report, c load.Class) string {
	sent, failed := 0, 0
	for _, t := range r.Targets {
		sent, failed = sent+t.Classes[c].Sent, failed+t.Classes[c].Failed
	}
	return fmt.Sprintf("%d of %d", failed, sent)
}

func endings(r load.Report) string {
	asked, closed, anew, seconds := 0, 0, 0, map[int]int{}
	for _, t := range r.Targets {
		for c, of := range t.Classes {
			asked, closed = asked+of.AskedClose, closed+of.Closed
			if c != load.Long {
				continue
			}
			for _, s := range of.Reopened {
				anew += s.Count
				seconds[s.Second] += s.Count
			}
		}
	}
	most := 0
	for _, n := range seconds {
		most = max(most, n)
	}
	return fmt.Sprintf("%d | %d | %d | %d | %d", asked, closed, anew, len(seconds), most)
}

// explain tells the first failures one by one, with the pods that came and went.
func (r rolled) explain() {
	for i, e := range r.report.Examples {
		if i == 20 {
			break
		}
		at := r.report.Start.Add(time.Duration(e.Failed * float64(time.Second)))
		fmt.Fprintf(os.Stderr, "%s: %s; pods: %s\n", r.name, e, r.timeline.around(at))
	}
}

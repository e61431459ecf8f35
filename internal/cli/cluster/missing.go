package cluster

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/plan"
)

// What the kubelet says of a Secret or ConfigMap that a pod waits for.
var (
	saysNotFound = regexp.MustCompile(`(?i)\b(secret|configmap) "([^"]+)" not found`)
	saysNoKey    = regexp.MustCompile(`(?i)couldn't find key (\S+) in (Secret|ConfigMap) (?:[^/\s]+/)?(\S+)`)
	saysVolume   = regexp.MustCompile(`volume "([^"]+)"`)
	saysNoItem   = regexp.MustCompile(`references non-existent (secret|config) key: (\S+)`)
)

// absent is a Secret or ConfigMap, or a key of one, that a pod waits for.
type absent struct{ kind, name, key string }

// absentOf reads what the kubelet says; false where it speaks of something else.
func absentOf(p *corev1.Pod, text string) (a absent, ok bool) {
	kind := func(word string) string {
		if strings.HasPrefix(strings.ToLower(word), "config") {
			return "ConfigMap"
		}
		return "Secret"
	}
	if m := saysNotFound.FindStringSubmatch(text); m != nil {
		return absent{kind: kind(m[1]), name: m[2]}, true
	}
	if m := saysNoKey.FindStringSubmatch(text); m != nil {
		return absent{kind: kind(m[2]), name: m[3], key: m[1]}, true
	}
	if m := saysNoItem.FindStringSubmatch(text); m != nil {
		a = absent{kind: kind(m[1]), key: m[2]}
		if v := saysVolume.FindStringSubmatch(text); v != nil {
			a.name = sourceOf(p, v[1])
		}
		return a, true
	}
	return a, false
}

// sourceOf is the Secret or ConfigMap that a volume is made of.
func sourceOf(p *corev1.Pod, volume string) string {
	for _, v := range p.Spec.Volumes {
		switch {
		case v.Name != volume:
		case v.Secret != nil:
			return v.Secret.SecretName
		case v.ConfigMap != nil:
			return v.ConfigMap.Name
		}
	}
	return ""
}

// configTrouble is a pod that waits for what it is configured with.
func configTrouble(p *corev1.Pod, text string) *trouble {
	t := &trouble{"cannot start", text, "see which Secret or ConfigMap its environment and volumes name"}
	a, ok := absentOf(p, text)
	switch {
	case !ok:
		return t
	case a.name == "":
		t.remedy = fmt.Sprintf("give the %s that it mounts the key %s", a.kind, a.key)
	case a.key != "":
		t.remedy = fmt.Sprintf("give the %s %s in namespace %s the key %s", a.kind, a.name, p.Namespace, a.key)
	case a.kind == "Secret" && a.name == sourceOf(p, plan.VolumeCookie):
		c := plan.CookieSource{SecretName: a.name, AgentKey: agentOf(p) != nil}
		t.remedy = "it is the Secret with the cookie, which is made once: " + c.Command(p.Namespace)
	default:
		t.remedy = fmt.Sprintf("make the %s %s in namespace %s", a.kind, a.name, p.Namespace)
	}
	if a.name != "" && !strings.Contains(text, a.name) {
		t.reason += " (" + a.kind + " " + a.name + ")"
	}
	return t
}

// mostAsked bounds of how many pods that wait the events are read.
const mostAsked = 10

// waitsFor reads in a pod's events what it waits for before any container of it: the
// kubelet says so nowhere else. nil where that is nothing that somebody has to make, or
// where who looks may not read events. What was said before the first image was pulled is
// history.
func (c *Client) waitsFor(ctx context.Context, p *corev1.Pod) *trouble {
	events, err := c.events(ctx, p.Name)
	if err != nil {
		return nil
	}
	var message string
	var said, went time.Time
	for i := range events {
		e := &events[i]
		if of := e.InvolvedObject.UID; of != "" && p.UID != "" && of != p.UID {
			continue // of an earlier pod of this name
		}
		switch e.Reason {
		case "Pulling", "Pulled", "Created", "Started":
			went = later(went, at(e))
			continue
		}
		if _, ok := absentOf(p, e.Message); ok && !at(e).Before(said) {
			message, said = e.Message, at(e)
		}
	}
	if message == "" || went.After(said) {
		return nil
	}
	return configTrouble(p, message)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// at is when an event was last seen. Which of its times is set depends on who wrote it.
func at(e *corev1.Event) time.Time {
	last := later(e.LastTimestamp.Time, e.EventTime.Time)
	if e.Series != nil {
		last = later(last, e.Series.LastObservedTime.Time)
	}
	return last
}

// events gives those of a pod.
func (c *Client) events(ctx context.Context, pod string, more ...string) ([]corev1.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var list corev1.EventList
	selector := strings.Join(append([]string{"involvedObject.name=" + pod}, more...), ",")
	err := c.core.Get().Namespace(c.Namespace).Resource("events").Param("fieldSelector", selector).Do(ctx).Into(&list)
	return list.Items, err
}

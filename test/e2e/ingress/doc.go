// Package ingress gives the end-to-end tests an ingress controller: skipper, as its authors release it, built from source
// and set up as its documentation has it. It is not the subject of the tests, so nothing of it is tuned to them: how
// often it looks for endpoints, how long it keeps connections and what it tries again are its own defaults.
package ingress

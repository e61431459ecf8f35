// Package testkit holds what the harnesses of real things share: a cache outside the checkout where each heavy thing is
// made once, and processes that die with the test that started them.
package testkit

// Package beamtest runs real BEAM nodes for tests: the machine's own OTP, and three generations of it side by side.
//
// [OTPs] gives OTP 25, 27 and 29 as Debian packages them, each in a folder of its own that is made once and kept in a
// cache outside the checkout (internal/testkit). [OTP.StartNode] starts a bare node of such an OTP; [Node.Eval] runs Erlang
// in it without going through distribution. [OTP.Cowboy] has the real cowboy and ranch for it. [BuildRelease] turns a Mix project into a release, once per content.
// [FreeSlot] gives a test loopback addresses that no other test has, and [Slot.EPMD] an EPMD for them.
//
// Where a test can't have what it needs, it fails with one line that says what is missing; it is left out only with
// "go test -short".
//
// Whatever a test starts ends with the test, and with the test's process if that should die.
//
// "go run ./internal/beamtest/prepare" fills the cache ahead of the tests.
package beamtest

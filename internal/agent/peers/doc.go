// Package peers is how the agents of one app talk to one another: small JSON
// questions and answers over HTTP/1.1 in TLS 1.3, between whoever holds the same
// random key. It knows nothing of what is asked.
//
// # Who is let in
//
// Every agent derives the same ed25519 identity from the key, and each end of a
// connection shows a certificate of that identity and wants to see it at the other.
// There is no authority, no host name and no date in that: a Secret that is mounted
// is all there is to set up. The key that was current before the last change counts
// as well, because pods get a changed Secret minutes apart; two changes in a row, or
// [Keys.Forget], end it, for open connections too.
//
// A caller's first message carries a keyed tag (in ALPN), and who can't make one is
// turned away before anything is signed or shown for them: strangers cost a hash and
// never see the public key, against which guesses of the key could be tried. The tag
// also says which of its keys the caller knows, so that both ends settle on one. Who
// reads a network, or is called in a peer's place, can repeat a tag: that shows them the
// public key and gets them no further, as long as the key is random.
//
// # What this does not do
//
// The key says that the other end is an agent of this app, and not which one: an
// address may have gone to another pod. What an answer is about has to be in the
// answer. A call over a kept connection that ends before the first byte of an answer
// is made once more over a new one, so methods have to bear being called twice.
package peers

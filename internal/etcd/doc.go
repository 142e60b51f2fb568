// Package etcd keeps the tickets of a board that many machines share in an etcd cluster. All but
// this comment is behind the build tag etcd: the program of local boards does not carry the client.
//
// Promised: what a change answers is a committed transaction. It compares everything that the
// change was judged on: the board's meta, the tickets themselves, the relations where rules between
// tickets are touched, the marks that show who lives where a claim is written. So nobody's change
// is overwritten, and no two changes break a rule together, whichever member answers, however late.
// A refusal was right at a moment between its call and its answer. A change whose outcome is not
// known is settled before it is answered: it happened, or it never can. Where the cluster cannot be
// asked, the answer says so and names the operation.
//
// Order among those who want the same ticket is advisory: a lock of this machine, then a queue in
// the cluster. Nothing depends on it but how often a change is judged again.
//
// Not promised: that a machine which is cut off stops working. Its claims are free once its lease
// is over, and the claim in the ticket's bytes stops its late changes.
package etcd

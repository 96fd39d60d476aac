// Package killpoint kills the process at a named point of a named activity: what kill -9 does at
// random, the fault tests do here at every point there is. Programs built without the tag
// "killpoint" hold none of it.
//
// The point is given in VOLCARD_TEST_KILL_POINT as "Activity:point", where point is
//
//	before  the deed has not begun
//	effect  its transaction is committed, nobody knows
//	ack     the worker is about to tell the server
//	told    the server knows, the worker has not heard its answer
//	inside  a part of the deed is done, where it tells of its progress
//
// "Activity:point:stop" stops the process there instead, as SIGSTOP does, until a SIGCONT.
package killpoint

// Points lists the points that every activity has, in order.
func Points() []string { return []string{"before", "effect", "ack", "told"} }

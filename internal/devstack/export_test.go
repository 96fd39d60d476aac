package devstack

// ChildrenOf is for the test that looks for what was left behind.
var ChildrenOf = childrenOf

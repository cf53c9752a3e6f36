"""The money: reconcile, classify, net, state; a pure core in a thin shell."""

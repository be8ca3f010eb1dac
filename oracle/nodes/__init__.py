"""What nodes say and keep: the words of their refusals in one table, and proof that a node has what it is asked for."""

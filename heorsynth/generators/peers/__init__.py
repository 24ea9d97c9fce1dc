"""Published generators and two controls, behind the same interface. None imports another."""

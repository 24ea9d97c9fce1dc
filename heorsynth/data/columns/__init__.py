"""What each column holds, and the roles that a user may declare."""

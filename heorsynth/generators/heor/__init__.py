"""`heor`, the default generator, made for small cohorts. It imports no other generator."""

"""What a finding is: estimand, margin, group, and the comparison of real with synthetic."""

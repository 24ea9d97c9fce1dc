# Seemingly unrelated regressions: coefficients and covariances of systemfit, for tests/reference/test_economics_agrees_with_r.py.
# Rscript economics.R, in this folder; versions in economics_session.txt.
library(systemfit)
d <- read.csv("economics.csv")
write_fit <- function(name, equations) {
  fit <- systemfit(equations, method = "SUR", data = d, methodResidCov = "geomean")
  v <- vcov(fit); b <- coef(fit)
  data.frame(model = name, cost = b[["c_treated"]], effect = b[["e_treated"]],
             var_cost = v["c_treated", "c_treated"], var_effect = v["e_treated", "e_treated"],
             cov = v["c_treated", "e_treated"])
}
found <- rbind(
  write_fit("arm only", list(c = cost ~ treated, e = qaly ~ treated)),
  write_fit("age in both", list(c = cost ~ treated + age, e = qaly ~ treated + age)),
  write_fit("baseline in effect", list(c = cost ~ treated + age, e = qaly ~ treated + age + baseline))
)
write.csv(format(found, digits = 15), "economics_sur.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("systemfit", packageVersion("systemfit"))), "economics_session.txt")

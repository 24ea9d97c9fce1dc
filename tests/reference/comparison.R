# Matching-adjusted indirect comparison by R: weights by optim as in NICE DSU TSD 18, and weighted coxph with robust errors.
library(survival)
set.seed(20261130)
n <- 240
own <- data.frame(age = round(rnorm(n, 60, 9), 1), female = rbinom(n, 1, 0.4), treated = rep(0:1, n / 2))
hazard <- 0.04 * exp(0.03 * (own$age - 60) - 0.3 * own$female - 0.5 * own$treated + 0.4 * own$treated * own$female)
own$time <- ceiling(100 * pmin(rexp(n, hazard), runif(n, 10, 50))) / 100
own$event <- as.integer(runif(n) < 0.8)
targets <- c(age = 64, sd = 8, female = 0.55)
x <- cbind(own$age - targets["age"], (own$age - targets["age"])^2 - targets["sd"]^2, own$female - targets["female"])
scaled <- sweep(x, 2, apply(x, 2, sd), "/")
q <- function(a) sum(exp(scaled %*% a))
gradient <- function(a) colSums(as.vector(exp(scaled %*% a)) * scaled)
found <- optim(rep(0, 3), q, gradient, method = "BFGS", control = list(maxit = 1000, reltol = 1e-15))
own$weight <- as.vector(exp(scaled %*% found$par))
own$weight <- own$weight * n / sum(own$weight)
fit <- coxph(Surv(time, event) ~ treated, own, weights = weight, robust = TRUE, ties = "breslow")
plain <- coxph(Surv(time, event) ~ treated, own, ties = "breslow")
numbers <- data.frame(
  name = c("ess", "log_hr", "robust_se", "plain_log_hr", "plain_se"),
  value = c(sum(own$weight)^2 / sum(own$weight^2), coef(fit), sqrt(diag(vcov(fit))), coef(plain), sqrt(diag(vcov(plain)))))
write.csv(own, "tests/reference/comparison.csv", row.names = FALSE)
write.csv(numbers, "tests/reference/comparison_numbers.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/comparison_session.txt")

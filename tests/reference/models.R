# Reference numbers for parametric survival and the Fine-Gray model, from R's survival, cmprsk and optim.
# Run in this folder after survival.R:  Rscript models.R
# Reads pbc.csv; writes models.csv and models_session.txt.
library(survival)
library(cmprsk)
options(digits = 17)
pbc <- read.csv("pbc.csv", na.strings = "NA")
numbers <- list()
add <- function(what, value) numbers[[length(numbers) + 1]] <<- data.frame(what = what, value = sprintf("%.12g", value))

tight <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
  fit <- survreg(Surv(time, status == 2) ~ 1, data = pbc, dist = dist, control = tight)
  add(paste0(dist, "_location"), fit$coefficients[[1]])
  add(paste0(dist, "_scale"), fit$scale)
  add(paste0(dist, "_loglik"), fit$loglik[2])
  add(paste0(dist, "_location_se"), sqrt(vcov(fit)[1, 1]))
}

# Gompertz and the generalised gamma from their textbook densities, with delayed entry for the Gompertz.
years <- pbc$time / 365.25
event <- pbc$status == 2
best <- function(loss, start) {
  fit <- optim(start, loss, method = "Nelder-Mead", control = list(reltol = 1e-16, maxit = 20000))
  optim(fit$par, loss, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
}
gompertz <- function(entry) function(p) {
  cumulative <- function(t) exp(p[1]) / p[2] * (exp(p[2] * t) - 1)
  -sum(event * (p[1] + p[2] * years)) + sum(cumulative(years) - cumulative(entry))
}
for (name in c("gompertz", "gompertz_entry")) {
  fit <- best(gompertz(if (name == "gompertz") 0 * years else pbc$entry / 365.25), c(-2.5, 0.05))
  add(paste0(name, "_log_rate"), fit$par[1]); add(paste0(name, "_shape"), fit$par[2])
  add(paste0(name, "_loglik"), -fit$value)
  rest <- integrate(function(t) exp(-exp(fit$par[1]) / fit$par[2] * (exp(fit$par[2] * t) - 1)), 0, 60, rel.tol = 1e-12)
  add(paste0(name, "_mean_60"), rest$value)
}
# log T = mu + sigma w, with exp(Q w) / Q^2 gamma-distributed: a density built from R's own gamma law.
gengamma <- function(rows) function(p) {
  w <- (log(years[rows]) - p[1]) / exp(p[2]); q <- p[3]; u <- exp(q * w) / q^2
  density <- dgamma(u, 1 / q^2, log = TRUE) + log(abs(q) * u / (exp(p[2]) * years[rows]))
  survival <- pgamma(u, 1 / q^2, lower.tail = q < 0, log.p = TRUE)
  -sum(ifelse(event[rows], density, survival))
}
for (name in c("gengamma", "gengamma_placebo")) { # the likelihood of the placebo arm is all but flat beyond its maximum
  loss <- gengamma(name == "gengamma" | pbc$trt %in% 2)
  fit <- best(loss, if (name == "gengamma") c(2.2, 0, 0.9) else c(3, -1, 3))
  for (i in 1:3) add(paste0(name, "_", c("location", "log_scale", "q")[i]), fit$par[i])
  add(paste0(name, "_loglik"), -fit$value)
}

X <- cbind(pbc$age, pbc$sex, log(pbc$bili))
whole <- list(crr = pbc$time, crr_untied = pbc$time + seq_len(nrow(pbc)) / 1000, crr_years = ceiling(pbc$time / 365.25))
for (name in names(whole)) {
  time <- whole[[name]]
  fit <- crr(time, pbc$status, X, failcode = 2, cencode = 0, gtol = 1e-12)
  for (i in 1:3) { add(paste0(name, "_coef_", i), fit$coef[[i]]); add(paste0(name, "_se_", i), sqrt(fit$var[i, i])) }
  add(paste0(name, "_loglik"), fit$loglik)
}
write.csv(do.call(rbind, numbers), "models.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival")), paste("cmprsk", packageVersion("cmprsk"))),
           "models_session.txt")

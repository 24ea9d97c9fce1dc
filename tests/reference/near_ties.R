# Times that differ by rounding alone, quantiles on plateaus and numbers at risk, from R's survival.
# Run in this folder:  Rscript near_ties.R
# Reads near_ties.csv (which near_ties.py makes), writes near_ties_numbers.csv and near_ties_session.txt.
library(survival)

numbers <- list()
add <- function(set, what, value)
  numbers[[length(numbers) + 1]] <<- data.frame(set = set, what = what, value = sprintf("%.15g", value))
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

data <- read.csv("near_ties.csv")
for (unit in c("day", "month", "year")) {
  d <- data.frame(start = data[[paste0("entry_", unit)]], time = data[[paste0("time_", unit)]], event = data$event,
                  arm = data$arm, age = data$age)
  for (set in c("plain", "entry")) {
    s <- if (set == "plain") Surv(d$time, d$event) else Surv(d$start, d$time, d$event)
    name <- paste(set, unit, sep = "_")
    fit <- coxph(s ~ (arm == "b") + age, data = d, control = tight)
    add(name, "cox_arm", coef(fit)[[1]]); add(name, "cox_age", coef(fit)[[2]])
    add(name, "cox_arm_se", sqrt(vcov(fit)[1, 1]))
    km <- survfit(s ~ 1, conf.type = "log-log")
    add(name, "steps", sum(km$n.event > 0)); add(name, "median_share", quantile(km, 0.5)$quantile / max(d$time))
    add(name, "km_100", km$surv[100]); add(name, "se_100", (km$std.err * km$surv)[100])
  }
  add(paste0("plain_", unit), "log_rank", survdiff(Surv(time, event) ~ arm, data = d)$chisq)
}

# Medians and quartiles on plateaus, among them values that equal one half but for rounding.
cases <- list(
  plateau_to_the_end = list(c(54, 75, 77, 84, 87, 92, 103, 105, 112, 118), rep(1:0, each = 5)),
  plateau_that_ends = list(c(1, 2, 3, 4), c(1, 1, 1, 1)),
  half_by_censoring = list(c(1, 2, 3, 4, 5, 6, 7), c(1, 0, 1, 0, 1, 0, 0)),
  half_up_to_noise = list(c(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14), c(1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0)),
  product_of_shares = list(c(1:7, 9:15), c(rep(1, 7), 0, 0, 0, 1, 0, 0, 0)),
  twenty = list(1:20, c(rep(1, 10), rep(0, 10))),
  everybody = list(c(2, 3, 5, 7, 11, 13), rep(1, 6)))
for (name in names(cases)) {
  fit <- survfit(Surv(cases[[name]][[1]], cases[[name]][[2]]) ~ 1, conf.type = "log-log")
  for (share in c(0.1, 0.25, 0.5, 0.6)) {
    q <- quantile(fit, share)
    add(name, paste0("q", share), q$quantile[[1]]); add(name, paste0("low", share), q$lower[[1]])
    add(name, paste0("high", share), q$upper[[1]])
  }
}

late <- survfit(Surv(c(0, 0, 0, 1), 1:4, rep(1, 4)) ~ 1)
for (t in 0:4) add("entry_0001", paste0("at_risk_", t), summary(late, times = t)$n.risk)
late <- survfit(Surv(c(50, 50, 60, 52), c(55, 61, 70, 71), rep(1, 4)) ~ 1)
for (t in c(50, 55, 61, 70)) add("by_age", paste0("at_risk_", t), summary(late, times = t)$n.risk)

write.csv(do.call(rbind, numbers), "near_ties_numbers.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "near_ties_session.txt")

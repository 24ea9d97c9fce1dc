# Reference numbers for heorsynth/estimators from R's survival and cmprsk.
# Run in this folder:  Rscript survival.R
# Writes the inputs (pbc.csv, lung.csv, veteran.csv), the numbers (survival_*.csv) and session.txt.
library(survival)
library(cmprsk)
options(digits = 17)

save <- function(frame, name) {
  numbers <- vapply(frame, is.double, logical(1))
  frame[numbers] <- lapply(frame[numbers], function(x) ifelse(is.na(x), "NA", sprintf("%.15g", x)))
  write.csv(frame, name, row.names = FALSE, quote = FALSE)
}

pbc <- survival::pbc[, c("time", "status", "trt", "age", "sex", "bili")]
pbc$age <- round(pbc$age, 4)
pbc$sex <- as.integer(pbc$sex == "f")
# An entry time made up to exercise left truncation: a third of each follow-up, for every third patient.
pbc$entry <- ifelse(seq_len(nrow(pbc)) %% 3 == 0, floor(pbc$time / 3), 0)
lung <- survival::lung[, c("time", "status", "sex", "age", "ph.ecog")]
names(lung)[5] <- "ecog"
lung$status <- lung$status - 1
veteran <- survival::veteran[, c("time", "status", "trt", "karno")]
save(pbc, "pbc.csv"); save(lung, "lung.csv"); save(veteran, "veteran.csv")

sets <- list(
  pbc = data.frame(time = pbc$time, event = pbc$status == 2, entry = 0),
  pbc_entry = data.frame(time = pbc$time, event = pbc$status == 2, entry = pbc$entry),
  lung = data.frame(time = lung$time, event = lung$status == 1, entry = 0),
  veteran = data.frame(time = veteran$time, event = veteran$status == 1, entry = 0))
horizons <- c(pbc = 3650, pbc_entry = 3650, lung = 730, veteran = 365)

fitted <- function(set, ...) {
  if (any(set$entry > 0)) survfit(Surv(entry, time, event) ~ 1, data = set, ...)
  else survfit(Surv(time, event) ~ 1, data = set, ...)
}

curves <- list(); numbers <- list()
add <- function(set, what, value) numbers[[length(numbers) + 1]] <<- data.frame(set = set, what = what, value = value)
for (name in names(sets)) {
  fit <- fitted(sets[[name]], conf.type = "log-log")
  s <- summary(fit, censored = TRUE)
  curves[[name]] <- data.frame(set = name, time = s$time, at_risk = s$n.risk, events = s$n.event, survival = s$surv,
                               se = s$std.err)
  rmean <- summary(fit, rmean = horizons[[name]])$table
  add(name, "rmst", rmean[["rmean"]]); add(name, "rmst_se", rmean[["se(rmean)"]])
  for (share in c(0.25, 0.5)) {
    q <- quantile(fit, share)
    add(name, paste0("quantile_", share), q$quantile[[1]])
    add(name, paste0("quantile_low_", share), q$lower[[1]])
    add(name, paste0("quantile_high_", share), q$upper[[1]])
  }
  mark <- summary(fit, times = horizons[[name]] / 2)
  add(name, "landmark", mark$surv); add(name, "landmark_se", mark$std.err)
  add(name, "landmark_low", mark$lower); add(name, "landmark_high", mark$upper)
}
save(do.call(rbind, curves), "survival_curves.csv")

add("lung", "reverse_median", median(survfit(Surv(time, status == 0) ~ 1, data = lung)))
arms <- summary(survfit(Surv(time, status == 2) ~ trt, data = pbc), rmean = 3650)$table
add("pbc", "rmst_arm_1", arms[1, "rmean"]); add("pbc", "rmst_arm_2", arms[2, "rmean"])
add("pbc", "rmst_arm_1_se", arms[1, "se(rmean)"]); add("pbc", "rmst_arm_2_se", arms[2, "se(rmean)"])

test <- survdiff(Surv(time, status == 2) ~ trt, data = pbc)
add("pbc", "log_rank", test$chisq); add("pbc", "log_rank_p", pchisq(test$chisq, 1, lower.tail = FALSE))
test <- survdiff(Surv(time, status) ~ ecog, data = lung)
add("lung", "log_rank", test$chisq); add("lung", "log_rank_p", pchisq(test$chisq, 3, lower.tail = FALSE))

cox_numbers <- function(set, fit) {
  for (i in seq_along(coef(fit))) {
    add(set, paste0("cox_coef_", i), coef(fit)[[i]])
    add(set, paste0("cox_se_", i), sqrt(diag(vcov(fit)))[[i]])
  }
  add(set, "cox_null", fit$loglik[1]); add(set, "cox_loglik", fit$loglik[2])
}
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
cox_numbers("pbc", coxph(Surv(time, status == 2) ~ age + sex + log(bili), data = pbc, control = tight))
cox_numbers("pbc_entry", coxph(Surv(entry, time, status == 2) ~ age + sex + log(bili), data = pbc, control = tight))
cox_numbers("lung", coxph(Surv(time, status) ~ age + sex + ecog, data = lung, control = tight))
cox_numbers("veteran", coxph(Surv(time, status) ~ trt + karno, data = veteran, control = tight))
# Follow-up in whole years: nearly every event is tied.
years <- transform(pbc, years = ceiling(time / 365))
cox_numbers("pbc_years", coxph(Surv(years, status == 2) ~ age + sex + log(bili), data = years, control = tight))
save(do.call(rbind, numbers), "survival_numbers.csv")

risk <- list()
for (name in c("pbc", "lung", "veteran")) {
  at <- seq(0, max(sets[[name]]$time), length.out = 6)
  at[3] <- sort(sets[[name]]$time)[50]    # a time at which somebody leaves
  at <- sort(round(at))
  s <- summary(fitted(sets[[name]]), times = at, extend = TRUE)
  risk[[name]] <- data.frame(set = name, time = s$time, at_risk = s$n.risk, events = cumsum(s$n.event),
                             censored = cumsum(s$n.censor))
}
save(do.call(rbind, risk), "survival_at_risk.csv")

at <- c(365, 1000, 2000, 3000, 4000)
grey <- timepoints(cuminc(pbc$time, pbc$status), at)
multi <- survfit(Surv(time, factor(status)) ~ 1, data = pbc)
aj <- summary(multi, times = at)$pstate
save(data.frame(cause = rep(1:2, each = 5), time = rep(at, 2), cmprsk = as.vector(t(grey$est)),
                cmprsk_se = sqrt(as.vector(t(grey$var))), survfit = as.vector(aj[, 2:3]),
                survfit_se = as.vector(summary(multi, times = at)$std.err[, 2:3])), "survival_incidence.csv")

writeLines(c(R.version.string, paste("survival", packageVersion("survival")), paste("cmprsk", packageVersion("cmprsk"))),
           "session.txt")

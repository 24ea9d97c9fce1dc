# Standard errors of the Aalen-Johansen cumulative incidence, from R's survival and cmprsk.
# Run in this folder:  Rscript incidence.R
# Reads pbc.csv, lung.csv (which survival.R writes) and near_ties.csv (which near_ties.py writes); writes
# incidence_errors.csv and incidence_session.txt. The causes of lung and near_ties are made up: every third row is cause 2.
library(survival)
library(cmprsk)

pbc <- read.csv("pbc.csv"); lung <- read.csv("lung.csv"); near <- read.csv("near_ties.csv")
made_up <- function(event) ifelse(event == 1, ifelse(seq_along(event) %% 3 == 0, 2, 1), 0)
sets <- list(
  pbc = data.frame(time = pbc$time, cause = pbc$status),
  pbc_years = data.frame(time = ceiling(pbc$time / 365), cause = pbc$status),
  lung = data.frame(time = lung$time, cause = made_up(lung$status)),
  near_ties = data.frame(time = near$time_year, cause = made_up(near$event)))
rows <- list()
for (name in names(sets)) {
  d <- sets[[name]]
  fit <- survfit(Surv(time, factor(cause)) ~ 1, data = d)
  grey <- timepoints(cuminc(d$time, d$cause), fit$time)
  for (cause in 1:2) rows[[length(rows) + 1]] <- data.frame(
    set = name, cause = cause, time = sprintf("%.15g", fit$time), incidence = sprintf("%.15g", fit$pstate[, cause + 1]),
    survfit_se = sprintf("%.15g", fit$std.err[, cause + 1]), cmprsk_se = sprintf("%.15g", sqrt(grey$var[cause, ])))
}
d <- data.frame(entry = pbc$entry, time = pbc$time, cause = pbc$status, id = seq_len(nrow(pbc)))
fit <- survfit(Surv(entry, time, factor(cause)) ~ 1, data = d, id = id)
for (cause in 1:2) rows[[length(rows) + 1]] <- data.frame(
  set = "pbc_entry", cause = cause, time = sprintf("%.15g", fit$time),
  incidence = sprintf("%.15g", fit$pstate[, cause + 1]), survfit_se = sprintf("%.15g", fit$std.err[, cause + 1]),
  cmprsk_se = "NA")
all <- do.call(rbind, rows)
# Every tenth time of each curve, and its last.
place <- ave(seq_len(nrow(all)), all$set, all$cause, FUN = seq_along)
last <- ave(place, all$set, all$cause, FUN = max)
write.csv(all[place %% 10 == 0 | place == last, ], "incidence_errors.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival")), paste("cmprsk", packageVersion("cmprsk"))),
           "incidence_session.txt")

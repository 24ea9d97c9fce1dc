# Cluster-robust standard errors of Cox models: lung by institution, with and without ties, and with delayed entry.
library(survival)
held <- survival::lung
held <- held[complete.cases(held[, c("time", "status", "age", "sex", "inst")]), ]
told <- function(name, fit) data.frame(case = name, term = names(coef(fit)), coef = coef(fit),
                                       se = sqrt(diag(vcov(fit))), naive = sqrt(diag(fit$naive.var)))
weeks <- transform(held, time = ceiling(time / 30.4375))
late <- transform(held, start = pmin(time - 1, inst))
out <- rbind(
  told("days", coxph(Surv(time, status == 2) ~ age + sex, held, cluster = inst)),
  told("months", coxph(Surv(time, status == 2) ~ age + sex, weeks, cluster = inst)),
  told("entry", coxph(Surv(start, time, status == 2) ~ age + sex, late, cluster = inst)))
robust <- survreg(Surv(time, status == 2) ~ age + sex, held, cluster = inst, dist = "weibull")
errors <- sqrt(diag(robust$var))[2:3]
out <- rbind(out, data.frame(case = "weibull", term = c("age", "sex"), coef = coef(robust)[2:3], se = errors,
                             naive = sqrt(diag(robust$naive.var))[2:3]))
write.csv(out, "tests/reference/clusters.csv", row.names = FALSE)
write.csv(held[, c("time", "status", "age", "sex", "inst")], "tests/reference/clusters_lung.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/clusters_session.txt")

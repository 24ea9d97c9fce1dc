# A mixed model for repeated measures with an unstructured covariance: growth of 27 children (Potthoff & Roy 1964), the
# first age as the baseline, with values missing after the first age.
library(nlme)
held <- as.data.frame(nlme::Orthodont)
held$child <- as.integer(factor(as.character(held$Subject)))
held <- held[order(held$child, held$age), ]
wide <- reshape(held[, c("child", "age", "distance", "Sex")], idvar = c("child", "Sex"), timevar = "age", direction = "wide")
names(wide) <- c("child", "sex", "y0", "y1", "y2", "y3")
wide$y3[wide$child %% 5 == 0] <- NA
wide$y2[wide$child %% 10 == 0] <- NA
wide$y2[wide$child %% 7 == 1] <- NA
told <- function(case, wide) {
  long <- reshape(wide, idvar = "child", varying = c("y1", "y2", "y3"), v.names = "y", timevar = "visit", times = 1:3,
                  direction = "long")
  long <- long[order(long$child, long$visit), ]
  long$at <- factor(long$visit)
  long$treated <- as.numeric(long$sex == "Female")
  long$base <- long$y0 - mean(wide$y0)
  fit <- gls(y ~ 0 + at + at:treated + at:base, long, correlation = corSymm(form = ~ visit | child),
             weights = varIdent(form = ~ 1 | at), na.action = na.omit, method = "REML",
             control = glsControl(tolerance = 1e-12, msTol = 1e-12, maxIter = 500, msMaxIter = 500))
  data.frame(case = case, visit = 1:3, effect = coef(fit)[4:6], se = sqrt(diag(vcov(fit)))[4:6])
}
full <- wide
full[, c("y2", "y3")] <- reshape(held[, c("child", "age", "distance")], idvar = "child", timevar = "age",
                                 direction = "wide")[, c("distance.12", "distance.14")]
out <- rbind(told("missing", wide), told("complete", full))
write.csv(out, "tests/reference/visits.csv", row.names = FALSE)
write.csv(wide, "tests/reference/visits_growth.csv", row.names = FALSE, na = "")
write.csv(full, "tests/reference/visits_growth_complete.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/visits_session.txt")

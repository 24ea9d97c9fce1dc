# Writes pbc.csv: the Mayo PBC cohort of R's survival package, in heorsynth's coding.
# Run in this folder: Rscript pbc.R   (R 4.2.2, survival 3.5-3)
library(survival)
d <- pbc
d$event <- c(0, 2, 1)[d$status + 1]          # R: 1 transplant, 2 death; here: 1 death, 2 transplant
d$trt <- c("D-penicillamine", "placebo")[d$trt]
d$age <- round(d$age, 1)
names(d)[names(d) == "alk.phos"] <- "alk_phos"
keep <- c("time", "event", "trt", "age", "sex", "ascites", "hepato", "spiders", "edema", "bili", "chol", "albumin",
          "copper", "alk_phos", "ast", "trig", "platelet", "protime", "stage")
write.csv(d[keep], "pbc.csv", row.names = FALSE, na = "", quote = FALSE)

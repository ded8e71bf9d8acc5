"""The fits whose figures are known, see ``references.py``."""

from __future__ import annotations

from tests.glm.references import HC, KINDS, Case, Printed

QUINE = ("C(Sex)", "D(Sex):C(Age)", "D(Sex):C(Eth)", "D(Sex):C(Lrn)", "D(Sex):C(Eth):C(Lrn)")
BWT = ("age", "lwt", "C(race)", "smoke", "ptd", "ht", "ui", "C(ftv)")
SCOTLAND = ("COUTAX", "UNEMPF", "MOR", "ACT", "GDP", "AGE", "COUTAX_FEMALEUNEMP")
CPUNISH = ("INCOME", "PERPOVERTY", "PERBLACK", "log(VC100k96)", "SOUTH", "DEGREE")
EPIL = ("lbase", "C(trt)", "lage", "V4", "lbase:C(trt)")
COMMITTEE = ("SIZE", "SUBS", "log(STAFF)", "PRESTIGE", "BILLS103")
SAVINGS = ("pop15", "pop75", "dpi", "ddpi")

R, MASS = "R's tests/Examples/stats-Ex.Rout.save", "MASS's tests/Examples/MASS-Ex.Rout.save"
DATASETS, SIMULATE = "R's tests/Examples/datasets-Ex.Rout.save", "R's library/stats/tests/simulate.Rout.save"
SANDWICH = "sandwich's tests/Examples/sandwich-Ex.Rout.save"

CASES: dict[str, Case] = {
    # Numbers with normal errors.
    "plants": Case("plants", "weight", ("C(group)",), kinds=HC),
    "savings": Case(
        "savings", "sr", SAVINGS, kinds=HC,
        printed=Printed(
            R, {"1": "28.5660865", "pop15": "-0.4611931", "pop75": "-1.6914977", "dpi": "-0.0003369", "ddpi": "0.4096949"},
            {"1": "7.3545161", "pop15": "0.1446422", "pop75": "1.0835989", "dpi": "0.0009311", "ddpi": "0.1961971"},
        ),
    ),
    "swiss": Case(
        "swiss", "Fertility", ("Agriculture", "Examination", "Education", "Catholic", "Mortality"), kinds=HC,
        printed=Printed(
            DATASETS, {"1": "66.91518", "Agriculture": "-0.17211", "Examination": "-0.25801", "Education": "-0.87094",
                       "Catholic": "0.10412", "Mortality": "1.07705"},
            {"1": "10.70604", "Agriculture": "0.07030", "Examination": "0.25388", "Education": "0.18303",
             "Catholic": "0.03526", "Mortality": "0.38172"},
            {"aic": "326.0716", "bic": "339.0226"},
        ),
    ),
    "schools": Case(
        "schools", "Expenditure", ("Income", "Income^2"), kinds=HC,
        printed=Printed(
            SANDWICH, {"1": "832.9144", "Income": "-1834.2029", "Income^2": "1587.0423"},
            {"1": "327.2925", "Income": "828.9855", "Income^2": "519.0768"},
        ),
    ),
    "stackloss": Case(
        "stackloss", "STACKLOSS", ("AIRFLOW", "WATERTEMP", "ACIDCONC"), kinds=HC,
        printed=Printed(
            DATASETS, {"1": "-39.9197", "AIRFLOW": "0.7156", "WATERTEMP": "1.2953", "ACIDCONC": "-0.1521"},
            {"1": "11.8960", "AIRFLOW": "0.1349", "WATERTEMP": "0.3680", "ACIDCONC": "0.1563"},
        ),
    ),
    "warpbreaks": Case(
        "warpbreaks", "breaks", ("C(wool)", "C(tension)", "C(wool):C(tension)"), kinds=HC,
        printed=Printed(
            DATASETS, {"1": "44.556", "woolB": "-16.333", "tensionM": "-20.556", "tensionH": "-20.000",
                       "woolB:tensionM": "21.111", "woolB:tensionH": "10.556"},
            {"1": "3.647", "woolB": "5.157", "tensionM": "5.157", "tensionH": "5.157", "woolB:tensionM": "7.294",
             "woolB:tensionH": "7.294"},
        ),
    ),
    "anorexia, offset": Case(
        "anorexia", "Postwt", ("Prewt", "C(Treat)"), offset="Prewt", kinds=HC,
        printed=Printed(
            SIMULATE, {"1": "49.77111", "Prewt": "-0.56554", "TreatCont": "-4.09707", "TreatFT": "4.56306"},
            {"1": "13.39096", "Prewt": "0.16118", "TreatCont": "1.89349", "TreatFT": "2.13334"},
        ),
    ),
    "hills, weights, no intercept": Case(
        "hills", "time", ("dist", "climb"), intercept=False, weights="1/dist^2", kinds=HC,
        printed=Printed(SIMULATE, {"dist": "4.8999847", "climb": "0.0084718"}, {"dist": "0.4737032", "climb": "0.0016869"}),
    ),
    "ccard, weights": Case("ccard", "AVGEXP", ("AGE", "INCOME", "INCOME^2", "OWNRENT"), weights="1/INCOME^2", kinds=HC),
    "roller, frequencies": Case("roller", "weight", ("depression",), freq_weights="depression", kinds=HC),
    "grunfeld, clusters": Case("grunfeld", "invest", ("value", "capital"), kinds=KINDS, groups="firm"),
    "grunfeld, clusters and weights": Case(
        "grunfeld", "invest", ("value", "capital"), weights="1/value", kinds=KINDS, groups="firm"
    ),
    "clotting, gaussian of a logarithm": Case("clotting", "lot1", ("log(u)",), link="log", kinds=HC),
    "clotting, gaussian of an inverse": Case("clotting", "lot2", ("log(u)",), link="inverse", kinds=("model", "HC0", "HC3")),
    "hills, gaussian of a logarithm, weights": Case(
        "hills", "time", ("log(dist)", "log(climb)"), link="log", weights="1/dist^2", kinds=("model", "HC0", "HC1")
    ),
    # Counts.
    "dobson": Case(
        "dobson", "counts", ("C(outcome)", "C(treatment)"), "poisson", kinds=("model", "HC0", "HC1"),
        printed=Printed(
            R, {"1": "3.045", "outcome2": "-0.4543", "outcome3": "-0.2930"},
            {"1": "0.1709", "outcome2": "0.2022", "outcome3": "0.1927", "treatment2": "0.2000", "treatment3": "0.2000"},
            {"null_deviance": "10.5814", "deviance": "5.1291", "aic": "56.76132", "log_likelihood": "-23.38066"},
        ),
    ),
    "epil": Case(
        "epil", "y", EPIL, "poisson", kinds=KINDS, groups="subject",
        printed=Printed(
            MASS, {"1": "1.89915", "lbase": "0.94952", "trtprogabide": "-0.34713", "lage": "0.89705", "V4": "-0.16109",
                   "lbase:trtprogabide": "0.56223"},
            {"1": "0.04258", "lbase": "0.04356", "trtprogabide": "0.06098", "lage": "0.11644", "V4": "0.05458",
             "lbase:trtprogabide": "0.06350"},
            {"null_deviance": "2521.75", "deviance": "869.32", "aic": "1647.3"},
        ),
    ),
    "insurance, offset": Case(
        "insurance", "Claims", ("C(District)", "C(Group)", "C(Age)"), "poisson", offset="log(Holders)", kinds=HC,
        printed=Printed(
            MASS, {"District2": "0.025868", "District3": "0.038524", "District4": "0.234205"}, {},
            {"null_deviance": "236.3", "deviance": "51.42", "aic": "388.7"},
        ),
    ),
    "sprays": Case("sprays", "count", ("C(spray)",), "poisson", kinds=HC),
    "sprays, square root": Case("sprays", "count", ("C(spray)",), "poisson", "sqrt", kinds=HC),
    "series, identity": Case(
        "series", "y", ("lag1", "lag2", "lag3"), "poisson", "identity", kinds=("model", "HC0", "HC1"), start=(2, 0.1, 0.1, 0.1),
        printed=Printed(
            MASS, {"1": "2.6609", "lag1": "0.1573", "lag2": "0.1424", "lag3": "0.1458"}, {},
            {"deviance": "90.34", "aic": "225.6"},
        ),
    ),
    "cpunish": Case("cpunish", "EXECUTIONS", CPUNISH, "poisson", kinds=HC),
    "warpbreaks, poisson": Case("warpbreaks", "breaks", ("C(wool)", "C(tension)"), "poisson", kinds=HC),
    "yeast, frequencies": Case("yeast", "numbers", (), "poisson", freq_weights="fr", kinds=("model", "HC0", "HC1")),
    "housing, frequencies": Case(
        "housing", "Freq", ("C(Infl)", "C(Type)", "C(Cont)", "C(Sat)"), "poisson", freq_weights="Freq", kinds=("model", "HC1")
    ),
    "quine, weights": Case("quine", "Days", QUINE, "poisson", weights="1, 2, 3, 1, …", kinds=HC),
    "dobson, quasi": Case("dobson", "counts", ("C(outcome)", "C(treatment)"), "quasi_poisson", kinds=("model", "HC0")),
    "epil, quasi": Case("epil", "y", EPIL, "quasi_poisson", kinds=("model", "HC1")),
    "insurance, quasi, offset": Case(
        "insurance", "Claims", ("C(District)", "C(Group)", "C(Age)"), "quasi_poisson", offset="log(Holders)"
    ),
    # Proportions and yes or no.
    "budworm": Case(
        "budworm", "dead", ("C(sex)", "ldose", "C(sex):ldose"), "binomial", trials="trials", kinds=HC,
        printed=Printed(
            R, {"1": "-2.9935", "sexM": "0.1750", "ldose": "0.9060", "sexM:ldose": "0.3529"},
            {"1": "0.5527", "sexM": "0.7783", "ldose": "0.1671", "sexM:ldose": "0.2700"},
            {"null_deviance": "124.8756", "deviance": "4.9937", "aic": "43.104"},
        ),
    ),
    "budworm, probit": Case("budworm", "dead", ("C(sex)", "ldose"), "binomial", "probit", trials="trials", kinds=HC),
    "budworm, cloglog": Case("budworm", "dead", ("C(sex)", "ldose"), "binomial", "cloglog", trials="trials", kinds=HC),
    "budworm, cauchit": Case("budworm", "dead", ("C(sex)", "ldose"), "binomial", "cauchit", trials="trials", kinds=HC),
    "budworm, quasi": Case("budworm", "dead", ("C(sex)", "ldose"), "quasi_binomial", trials="trials", kinds=("model", "HC1")),
    "irwin": Case("irwin", "dead", ("dose",), "binomial", trials="trials", kinds=HC),
    "eagles": Case(
        "eagles", "y", ("C(P)", "C(A)", "C(V)", "C(P):C(A)"), "binomial", trials="n",
        printed=Printed(MASS, figures={"deviance": "0.333", "aic": "23.073"}),
    ),
    "menarche": Case("menarche", "Menarche", ("Age",), "binomial", trials="Total", kinds=HC),
    "menarche, probit": Case("menarche", "Menarche", ("Age",), "binomial", "probit", trials="Total", kinds=HC),
    "birthwt": Case(
        "birthwt", "low", BWT, "binomial", kinds=HC,
        printed=Printed(
            MASS, {"1": "0.82302", "age": "-0.03723", "lwt": "-0.01565", "raceblack": "1.19241", "raceother": "0.74068",
                   "smoke": "0.75553", "ptd": "1.34376", "ht": "1.91317", "ui": "0.68020", "ftv1": "-0.43638",
                   "ftv2+": "0.17901"},
            figures={"null_deviance": "234.7", "deviance": "195.5", "aic": "217.5"},
        ),
    ),
    "birthwt, probit": Case("birthwt", "low", BWT, "binomial", "probit", kinds=HC),
    "birthwt, log": Case("birthwt", "low", ("smoke", "ht"), "binomial", "log", kinds=("model", "HC0")),
    "birthwt, identity": Case("birthwt", "low", ("smoke", "ui"), "binomial", "identity", kinds=("model", "HC0")),
    "birthwt, frequencies": Case("birthwt", "low", ("lwt", "smoke"), "binomial", freq_weights="1, 2, 3, 1, …", kinds=HC),
    "birthwt, weights": Case("birthwt", "low", ("lwt", "smoke"), "binomial", weights="1, 2, 3, 1, …", kinds=HC),
    "infert": Case(
        "infert", "case", ("age", "parity", "C(education)", "spontaneous", "induced"), "binomial", kinds=KINDS, groups="parity",
        printed=Printed(
            DATASETS, {"1": "-1.14924", "age": "0.03958", "parity": "-0.82828", "education6-11yrs": "-1.04424",
                       "education12+ yrs": "-1.40321", "spontaneous": "2.04591", "induced": "1.28876"},
            {"1": "1.41220", "age": "0.03120", "parity": "0.19649", "education6-11yrs": "0.79255",
             "education12+ yrs": "0.83416", "spontaneous": "0.31016", "induced": "0.30146"},
            {"null_deviance": "316.17", "deviance": "257.80", "aic": "271.8"},
        ),
    ),
    "infert, offset": Case("infert", "case", ("spontaneous",), "binomial", offset="induced", kinds=("model", "HC1")),
    "spector, probit": Case("spector", "GRADE", ("GPA", "TUCE", "PSI"), "binomial", "probit", kinds=HC),
    "spector, cloglog": Case("spector", "GRADE", ("GPA", "TUCE", "PSI"), "binomial", "cloglog", kinds=("model", "HC0")),
    "spector, no intercept": Case("spector", "GRADE", ("GPA", "TUCE", "PSI"), "binomial", intercept=False),
    # Positive numbers.
    "clotting": Case(
        "clotting", "lot1", ("log(u)",), "gamma", kinds=HC,
        printed=Printed(
            R, {"1": "-0.0165544", "log(u)": "0.0153431"}, {"1": "0.0009275", "log(u)": "0.0004150"},
            {"dispersion": "0.002446059", "null_deviance": "3.51283", "deviance": "0.01673", "aic": "37.99",
             "log_likelihood": "-15.99496"},
        ),
    ),
    "clotting, second lot": Case(
        "clotting", "lot2", ("log(u)",), "gamma",
        printed=Printed(
            R, {"1": "-0.0239085", "log(u)": "0.0235992"}, {"1": "0.0013265", "log(u)": "0.0005768"},
            {"dispersion": "0.001813354", "null_deviance": "3.118557", "deviance": "0.012672", "aic": "27.032",
             "log_likelihood": "-10.51608"},
        ),
    ),
    "clotting, log": Case("clotting", "lot1", ("log(u)",), "gamma", "log", kinds=HC),
    "birthwt, gamma": Case("birthwt", "bwt", BWT, "gamma", "log", kinds=HC),
    "birthwt, gamma, identity": Case("birthwt", "bwt", ("lwt", "C(race)"), "gamma", "identity", kinds=("model", "HC0")),
    "birthwt, gamma, weights": Case("birthwt", "bwt", BWT, "gamma", "log", weights="1, 2, 3, 1, …", kinds=("model", "HC0")),
    "birthwt, gamma, frequencies": Case(
        "birthwt", "bwt", BWT, "gamma", "log", freq_weights="1, 2, 3, 1, …", kinds=("model", "HC0", "HC1")
    ),
    "scotland": Case("scotland", "YES", SCOTLAND, "gamma", kinds=HC),
    "grunfeld, gamma": Case("grunfeld", "invest", ("log(value)", "capital"), "gamma", "log", kinds=KINDS, groups="firm"),
    "scotland, inverse gaussian": Case("scotland", "YES", ("COUTAX", "UNEMPF", "AGE"), "inverse_gaussian", kinds=HC),
    "birthwt, inverse gaussian": Case("birthwt", "bwt", BWT, "inverse_gaussian", "log", kinds=HC),
    "birthwt, inverse gaussian, inverse": Case("birthwt", "bwt", ("lwt", "smoke"), "inverse_gaussian", "inverse"),
    "birthwt, inverse gaussian, weights": Case(
        "birthwt", "bwt", ("lwt", "smoke"), "inverse_gaussian", weights="1, 2, 3, 1, …", kinds=("model", "HC0")
    ),
    # Counts more dispersed than Poisson's.
    "quine": Case(
        "quine", "Days", QUINE, "negative_binomial", theta="estimated", kinds=HC,
        printed=Printed(MASS, figures={"theta": "1.597991", "twice_log_likelihood": "-1063.025", "deviance": "167.56"}),
    ),
    "quine, theta": Case("quine", "Days", QUINE, "negative_binomial", theta=2.0, kinds=HC),
    "quine, main effects": Case(
        "quine", "Days", ("C(Eth)", "C(Sex)", "C(Age)", "C(Lrn)"), "negative_binomial", theta="estimated"
    ),
    "yeast": Case(
        "yeast", "numbers", (), "negative_binomial", freq_weights="fr", theta="estimated",
        printed=Printed(
            MASS, {"1": "-0.38199"}, {"1": "0.06603"},
            {"theta": "3.586087428", "deviance": "408.9", "aic": "897.06", "twice_log_likelihood": "-893.063"},
        ),
    ),
    "series, negative binomial, identity": Case(
        "series", "y", ("lag1", "lag2", "lag3"), "negative_binomial", "identity", theta="estimated", start=(2, 0.1, 0.1, 0.1),
        printed=Printed(
            MASS, {"1": "2.6298", "lag1": "0.1774", "lag2": "0.1407", "lag3": "0.1346"}, {},
            {"theta": "4.406504429", "null_deviance": "55.07", "deviance": "50.09", "aic": "215.9"},
        ),
    ),
    "committee": Case("committee", "BILLS104", COMMITTEE, "negative_binomial", theta="estimated", kinds=HC),
    "epil, negative binomial": Case(
        "epil", "y", EPIL, "negative_binomial", theta="estimated", kinds=("model", "HC0", "cluster"), groups="subject"
    ),
    "insurance, negative binomial, offset": Case(
        "insurance", "Claims", ("C(District)", "C(Group)", "C(Age)"), "negative_binomial", offset="log(Holders)", theta=20.0
    ),
    "sprays, negative binomial, square root": Case(
        "sprays", "count", ("C(spray)",), "negative_binomial", "sqrt", theta="estimated", kinds=("model", "HC0")
    ),
    # Classes.
    "housing": Case(
        "housing", "Sat", ("C(Infl)", "C(Type)", "C(Cont)"), "multinomial", freq_weights="Freq", kinds=("model", "HC0", "HC1"),
        printed=Printed(MASS, figures={"deviance": "3470.084", "aic": "3498.084"}),
    ),
    "birthwt, race": Case("birthwt", "race", ("age", "lwt", "smoke"), "multinomial", kinds=("model", "HC0", "HC1")),
    "infert, education": Case(
        "infert", "education", ("age", "spontaneous"), "multinomial", kinds=("model", "HC0", "cluster"), groups="parity"
    ),
    "warpbreaks, tension": Case("warpbreaks", "tension", ("breaks",), "multinomial", freq_weights="1, 2, 3, 1, …"),
}  # fmt: skip

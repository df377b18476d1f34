"""scikit-learn's side of docs/forest-quality.md; hack/forest_report.sh runs it.

    forest_report.py version
    forest_report.py quality SEEDS SET...       a line for each set and seed: set, seed, AUC, average precision
    forest_report.py speed ROWS FEATURES FILE   reads commands, a line each, and answers with the seconds of processor time that it took
"""
import csv
import gzip
import sys
import time

import numpy
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score


def forest(seed, **params):
    return IsolationForest(n_estimators=100, max_samples=256, random_state=seed, n_jobs=1, **params)


def quality(seeds, names):
    for name in names:
        with gzip.open(f"forest/testdata/{name}.csv.gz", "rt") as file:
            lines = list(csv.reader(file))[1:]
        x = numpy.array([line[:-1] for line in lines], dtype=float)
        y = numpy.array([line[-1] == "1" for line in lines])
        for seed in range(seeds):
            unusual = -forest(seed).fit(x).score_samples(x)
            print(f"{name},{seed},{roc_auc_score(y, unusual)!r},{average_precision_score(y, unusual)!r}", flush=True)


def speed(rows, features, path):
    x = numpy.fromfile(path, dtype=numpy.float32).reshape(rows, features)
    fitted = forest(1).fit(x)
    does = {
        "score": lambda: fitted.score_samples(x),
        "fit": lambda: forest(1).fit(x),
        "fit and score": lambda: forest(1).fit(x).score_samples(x),
    }
    for command in sys.stdin:
        start = time.process_time()
        does[command.strip()]()
        print(time.process_time() - start, flush=True)


if sys.argv[1] == "version":
    print(sklearn.__version__)
elif sys.argv[1] == "quality":
    quality(int(sys.argv[2]), sys.argv[3:])
elif sys.argv[1] == "speed":
    speed(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])

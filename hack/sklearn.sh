#!/usr/bin/env bash
# scikit-learn trains forests of many settings; each is exported, imported and asked the same rows, and must answer the same.
# Needs scikit-learn (Debian: python3-sklearn); PYTHON names the interpreter that has it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/agentc" ./cmd/agentc
PYTHONPATH=hack WORK=$work "${PYTHON:-python3}" - <<'PY'
import csv, gzip, os, subprocess
import numpy, sklearn, export_sklearn
from sklearn.ensemble import IsolationForest

work = os.environ["WORK"]
settings = [
    ("mammography", {}),
    ("pima", {"n_estimators": 7, "max_samples": 8}),
    ("pima", {"max_samples": 1, "n_estimators": 3}),
    ("pima", {"max_samples": 2, "n_estimators": 3}),
    ("ionosphere", {"max_features": 0.5}),
    ("ionosphere", {"max_features": 1, "n_estimators": 13}),
    ("satellite", {"bootstrap": True, "contamination": 0.1}),
    ("satellite", {"max_samples": 1.0, "n_estimators": 20}),
    ("annthyroid", {"contamination": 0.05, "max_features": 0.34, "bootstrap": True}),
    ("breastw", {"n_estimators": 300, "contamination": 0.35}),
]
for name, params in settings:
    with gzip.open(f"forest/testdata/{name}.csv.gz", "rt") as file:
        lines = list(csv.reader(file))
    names = lines[0][:-1]
    x = numpy.array([l[:-1] for l in lines[1:]], dtype=float)
    model = IsolationForest(random_state=1, **params).fit(x)
    export_sklearn.write(model, f"{work}/model.json", names)
    subprocess.run([f"{work}/agentc", "forest", "import", f"{work}/model.json", "--out", f"{work}/forest.json"], check=True, stdout=subprocess.DEVNULL)
    # Rows of the data, and rows exactly on, just below and just above thresholds.
    rows = [x[: 2000]]
    on = x[numpy.resize(numpy.arange(len(x)), 600)].copy()
    i = 0
    for tree, columns in zip(model.estimators_, model.estimators_features_):
        for f, t in zip(tree.tree_.feature, tree.tree_.threshold):
            if f >= 0 and i < len(on):
                v = numpy.float32(t)
                on[i, columns[f]] = [v, numpy.nextafter(v, numpy.float32(-numpy.inf)), numpy.nextafter(v, numpy.float32(numpy.inf))][i % 3]
                i += 1
    rows = numpy.concatenate(rows + [on])
    with open(f"{work}/rows.csv", "w") as file:
        out = csv.writer(file)
        out.writerow(names)
        out.writerows([[repr(float(v)) for v in r] for r in rows])
    said = subprocess.run([f"{work}/agentc", "forest", "score", "--forest", f"{work}/forest.json", "--rows", f"{work}/rows.csv"], check=True, capture_output=True, text=True).stdout
    got = list(csv.DictReader(said.splitlines()))
    want, predict = model.score_samples(rows), model.predict(rows)
    sums = numpy.zeros(len(rows))
    from sklearn.ensemble._iforest import _average_path_length
    r32 = rows.astype(numpy.float32)
    for tree, columns in zip(model.estimators_, model.estimators_features_):
        leaves = tree.tree_.apply(numpy.ascontiguousarray(r32[:, columns]))
        edges = numpy.asarray(tree.tree_.decision_path(numpy.ascontiguousarray(r32[:, columns])).sum(axis=1)).ravel()
        sums += edges + _average_path_length(tree.tree_.n_node_samples[leaves]) - 1.0
    bits = sum(float.fromhex(g["depth_sum"]) != s for g, s in zip(got, sums))
    far = max(abs(float(g["score"]) - w) for g, w in zip(got, want))
    other = sum((g["anomaly"] == "1") != (p == -1) for g, p in zip(got, predict))
    print(f"{name:12} {str(params):70} {len(rows)} rows: {bits} depth sums differ, scores within {far:.1e}, {other} other predictions")
    assert len(got) == len(rows) and bits == 0 and far <= 1e-15 and other == 0
print("scikit-learn", sklearn.__version__, "and agentc agree")
PY

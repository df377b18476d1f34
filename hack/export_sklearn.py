#!/usr/bin/env python3
"""Writes a fitted sklearn.ensemble.IsolationForest as iforest-json/1, which `agentc forest import` reads.

    import joblib, export_sklearn
    export_sklearn.write(joblib.load("model.joblib"), "model.json")     # where you trust the pickle

Needs scikit-learn and nothing else. Nothing of the training rows is written but the probes, which are drawn anew.
"""
import json

import numpy
import sklearn
from sklearn.ensemble._iforest import _average_path_length

PROBES = 16


def document(model, names=None):
    """The model as a value for json.dump. names: of the features, in the order of the columns."""
    features = model.n_features_in_
    if names is None:
        names = [str(n) for n in getattr(model, "feature_names_in_", [f"x{i}" for i in range(features)])]
    trees = []
    for tree, columns in zip(model.estimators_, model.estimators_features_):
        t = tree.tree_
        if getattr(t, "missing_go_to_left", None) is not None and numpy.any(t.missing_go_to_left):
            raise ValueError("a tree decides where missing values go; train without missing values")
        leaf = t.children_left < 0
        trees.append({
            "feature": numpy.where(leaf, -1, columns[numpy.maximum(t.feature, 0)]).tolist(),
            "threshold": numpy.where(leaf, 0.0, t.threshold).tolist(),
            "left": t.children_left.tolist(),
            "right": t.children_right.tolist(),
            "n": t.n_node_samples.tolist(),
        })
    cuts = [[x for t in trees for f, x in zip(t["feature"], t["threshold"]) if f == i] or [0.0] for i in range(features)]
    random = numpy.random.default_rng(0)
    probes = numpy.column_stack([random.uniform(min(c) - 1, max(c) + 1, PROBES) for c in cuts]).astype(numpy.float32)
    psi = int(model.max_samples_)
    return {
        "format": "iforest-json/1",
        "source": f"scikit-learn {sklearn.__version__}",
        "params": {k: v if isinstance(v, (bool, int, float, str, type(None))) else repr(v) for k, v in model.get_params().items()},
        "feature_names": list(names),
        "n_features": features,
        "max_samples": psi,
        "offset": float(model.offset_),
        "c": _average_path_length(numpy.arange(psi + 1)).tolist(),
        "trees": trees,
        "trained_on": {},
        "probes": {"x": probes.astype(float).tolist(), "score": model.score_samples(probes).tolist()},
    }


def write(model, path, names=None):
    """Writes the model to a file."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document(model, names), file, allow_nan=False)
        file.write("\n")

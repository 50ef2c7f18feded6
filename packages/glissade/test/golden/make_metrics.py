"""Metrics from scikit-learn, torchmetrics and sacrebleu, on data with ties, missing classes and short sentences."""


import numpy as np
import sacrebleu
import sklearn
import torch
import torchmetrics.functional as TM
from common import SEED, listed, write
from sklearn import metrics as M

cases = []


def number(v):
    return float(f"{v:.12g}")


def add(kind, prediction, target, expected, options=None, args=None):
    value = [number(v) for v in np.ravel(expected)] if np.ndim(expected) else number(expected)
    cases.append({"kind": kind, "args": args or [], "options": options or {}, "prediction": listed(prediction), "target": listed(target), "expected": value})


def classes():
    logits = torch.round(torch.randn(40, 5) * 4) / 4  # rounded: with ties between classes and samples
    logits += torch.arange(5) * 1e-3  # but the best of a sample is one
    target = torch.randint(0, 4, (40,))  # class 4 is never true
    logits[torch.arange(40), target] += 1
    logits[:, 3] -= 8  # and class 3 never predicted
    t, p = target.numpy(), logits.argmax(1).numpy()
    share = torch.softmax(logits, 1).numpy()
    add("accuracy", logits, target, M.accuracy_score(t, p))
    add("accuracy", torch.tensor(p), target, M.accuracy_score(t, p))
    for k in (1, 2, 3):
        add("topK", logits, target, M.top_k_accuracy_score(t, share, k=k, labels=range(5)), args=[k])
    for average in ("macro", "micro", "weighted"):
        scores = M.precision_recall_fscore_support(t, p, average=average, zero_division=0)
        for kind, value in zip(("precision", "recall", "f1"), scores):
            add(kind, logits, target, value, {"average": average})
        add("f1", logits, target, M.fbeta_score(t, p, beta=0.5, average=average, zero_division=0), {"average": average, "beta": 0.5})
    add("precision", logits, target, M.precision_score(t, p, average="macro", zero_division=1), {"average": "macro", "zeroDivision": 1})
    scores = M.precision_recall_fscore_support(t, p, average=None, labels=range(5), zero_division=0)
    for kind, value in zip(("precision", "recall", "f1"), scores):
        add(kind, logits, target, value, {"average": "macro", "perClass": True})
    keep = t != 2
    add("recall", logits, target, M.recall_score(t[keep], p[keep], average="macro", zero_division=0), {"average": "macro", "ignoreIndex": 2})
    add("confusionMatrix", logits, target, M.confusion_matrix(t, p, labels=range(5)))
    for mine, theirs in (("true", "true"), ("predicted", "pred"), ("all", "all")):
        add("confusionMatrix", logits, target, M.confusion_matrix(t, p, labels=range(5), normalize=theirs), {"normalize": mine})
    full = torch.randint(0, 5, (40,))
    f = full.numpy()
    for average in ("macro", "weighted"):
        add("rocAuc", logits, full, M.roc_auc_score(f, share, multi_class="ovr", average=average), {"average": average})
        hot = np.eye(5)[f]
        add("averagePrecision", logits, full, M.average_precision_score(hot, share, average=average), {"average": average})
    for norm in ("l1", "l2", "max"):
        value = TM.classification.multiclass_calibration_error(torch.softmax(logits, 1), full, 5, n_bins=15, norm=norm)
        add("calibrationError", logits, full, value.item(), {"norm": norm})
    add("calibrationError", torch.softmax(logits, 1), full,
        TM.classification.multiclass_calibration_error(torch.softmax(logits, 1), full, 5, n_bins=4).item(), {"bins": 4, "fromLogits": False})
    tokens = torch.randn(3, 7, 5)
    text = torch.randint(0, 5, (3, 7))
    add("perplexity", tokens, text, TM.text.perplexity(tokens, text).item(), {"classAxis": -1})
    add("perplexity", tokens, text, TM.text.perplexity(tokens, text, ignore_index=2).item(), {"classAxis": -1, "ignoreIndex": 2})
    add("perplexity", tokens.transpose(1, 2), text, TM.text.perplexity(tokens, text).item())


def binary():
    scores = torch.round(torch.randn(50) * 3) / 3
    target = (torch.rand(50) < torch.sigmoid(scores)).long()
    s, t, p = scores.numpy(), target.numpy(), (scores > 0).long().numpy()
    for kind, fn in (("precision", M.precision_score), ("recall", M.recall_score), ("f1", M.f1_score)):
        add(kind, scores, target, fn(t, p))
    add("f1", torch.sigmoid(scores), target, M.f1_score(t, (torch.sigmoid(scores) > 0.3).numpy()), {"fromLogits": False, "threshold": 0.3})
    add("accuracy", scores, target, M.accuracy_score(t, p))
    add("rocAuc", scores, target, M.roc_auc_score(t, s))
    add("averagePrecision", scores, target, M.average_precision_score(t, s))
    two = torch.stack([-scores, scores], 1)
    add("rocAuc", two, target, M.roc_auc_score(t, s))
    share = torch.sigmoid(scores)
    share[3], share[4] = 1.0, 0.96  # the first has a bin of its own
    target[3], target[4] = 0, 1
    add("calibrationError", share, target, TM.classification.binary_calibration_error(share, target, n_bins=15).item(), {"fromLogits": False})


def numbers():
    # Thirty-seconds, of which nine digits lose nothing, far from 0: naive sums of squares would.
    t = torch.round(torch.randn(30, 3) * 64) / 32 + 1000
    t[:, 2] = 7
    p = t + torch.round(torch.randn(30, 3) * 32) / 32
    a, b = t.numpy(), p.numpy()
    for kind, fn in (("mae", M.mean_absolute_error), ("mse", M.mean_squared_error), ("rmse", M.root_mean_squared_error)):
        add(kind, p[:, 0], t[:, 0], fn(a[:, 0], b[:, 0]))
    add("mae", p, t, M.mean_absolute_error(a, b))
    add("mse", p, t, M.mean_squared_error(a, b))
    add("r2", p[:, 0], t[:, 0], M.r2_score(a[:, 0], b[:, 0]))
    add("r2", p, t, M.r2_score(a, b))
    add("r2", t, t, M.r2_score(a, a))


def sentences():
    system = ["the cat sat on the mat today", "a quick brown fox", "it is raining cats and dogs in the street", "hello", "we we we we"]
    first = ["the cat sat on the mat", "the quick brown fox jumps over", "it rains cats and dogs in the streets", "hello world", "we are here now"]
    second = ["there is a cat on the mat today now", "a fast brown fox", "it is raining in the street", "hello", "we we"]
    nothing = ["x y z", "u v w", "p q", "r", "s"]
    table = []
    for smooth, mine in (("exp", "exp"), ("none", "none"), ("floor", "floor"), ("add-k", "addK")):
        for references in ([first], [first, second], [nothing]):
            table.append((system, references, {"smooth_method": smooth}, {"smooth": mine}))
    table.append((system, [first], {"max_ngram_order": 2}, {"maxOrder": 2}))
    table.append((["x y"], [["x y"]], {"effective_order": True}, {"effectiveOrder": True}))
    table.append((["x y"], [["x y"]], {}, {}))
    table.append((["x q y p r"], [["p x r y q"]], {}, {}))
    table.append((["x q y p"], [["x y q p"]], {"smooth_method": "floor", "smooth_value": 0.5}, {"smooth": "floor", "smoothValue": 0.5}))
    found = []
    for candidates, references, options, mine in table:
        value = sacrebleu.BLEU(tokenize="none", force=True, **options).corpus_score(candidates, references)
        found.append({"candidates": candidates, "references": [list(r) for r in zip(*references)], "options": mine,
                      "score": number(value.score), "precisions": [number(v) for v in value.precisions], "brevityPenalty": number(value.bp)})
    return found


if __name__ == "__main__":
    torch.manual_seed(SEED + 30)
    classes()
    binary()
    numbers()
    write("metrics", cases, bleu=sentences(), scikitLearn=sklearn.__version__, sacrebleu=sacrebleu.__version__)

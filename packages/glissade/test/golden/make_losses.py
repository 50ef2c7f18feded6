"""Every loss with every option: value, and the gradient of each input by a fixed probe.

Most are PyTorch's own; those that PyTorch does not have (focal, hinge, contrastive, InfoNCE, NT-Xent, dice, quantile)
are written down here from the papers that loss/*.ts names. make_first.py has the first five losses.
"""

import math

import torch
import torch.nn.functional as F
from common import SEED, listed, write

cases = []


def add(kind, inputs, options, fn, tensors=None, gradients=None):
    """`inputs` are those of the function, in order; floats among them are differentiated, unless told otherwise."""
    given = [x.clone().requires_grad_(x.is_floating_point() and (gradients is None or i in gradients)) for i, x in enumerate(inputs)]
    value = fn(*given)
    probe = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)
    (value * probe).sum().backward()
    slopes = {str(i): listed(x.grad) for i, x in enumerate(given) if x.requires_grad}
    cases.append({"kind": kind, "inputs": [listed(x) for x in inputs], "options": options,
                  "tensors": {k: listed(v) for k, v in (tensors or {}).items()}, "y": listed(value), "gradients": slopes})


def each_reduction(kind, inputs, options, fn, tensors=None, gradients=None):
    for reduction in ("mean", "sum", "none"):
        add(kind, inputs, {**options, "reduction": reduction}, lambda *x: fn(*x, reduction=reduction), tensors, gradients)


def reduced(losses, reduction="mean"):
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def regression():
    x, t = torch.randn(3, 4) * 2, torch.randn(3, 4) * 2
    x[0, 0] = t[0, 0]
    each_reduction("smoothL1", [x, t], {}, F.smooth_l1_loss)
    add("smoothL1", [x, t], {"beta": 0.3}, lambda a, b: F.smooth_l1_loss(a, b, beta=0.3))
    add("smoothL1", [x, t], {"beta": 0}, lambda a, b: F.smooth_l1_loss(a, b, beta=0))
    each_reduction("huber", [x, t], {}, F.huber_loss)
    add("huber", [x, t], {"delta": 2.5}, lambda a, b: F.huber_loss(a, b, delta=2.5))

    def pinball(a, b, q, reduction="mean"):
        e = b - a
        return reduced(torch.maximum(q * e, (q - 1) * e), reduction)

    far = x + 3 * torch.sign(torch.randn(3, 4))  # away from the kink
    each_reduction("quantile", [far, t], {"q": 0.9}, lambda a, b, reduction: pinball(a, b, 0.9, reduction))
    add("quantile", [far, t], {}, lambda a, b: pinball(a, b, 0.5))
    several = torch.randn(2, 3, 3) * 3
    q = torch.tensor([0.1, 0.5, 0.8])
    each_reduction("quantile", [several, torch.randn(2, 3)], {"q": q.tolist()},
                   lambda a, b, reduction: pinball(a, b.unsqueeze(-1), q, reduction))
    v = torch.rand(3, 4) + 0.1
    v[1, 1] = 1e-9
    each_reduction("gaussianNll", [x, t, v], {}, F.gaussian_nll_loss)
    add("gaussianNll", [x, t, v[:, 0]], {"full": True, "eps": 0.2}, lambda a, b, c: F.gaussian_nll_loss(a, b, c, full=True, eps=0.2))
    add("gaussianNll", [x, t, v[:, :1]], {}, lambda a, b, c: F.gaussian_nll_loss(a, b, c))
    counts = torch.tensor([[0.0, 1.0, 2.0, 7.0], [3.0, 0.0, 1.0, 30.0], [2.0, 2.0, 5.0, 1.0]])
    each_reduction("poissonNll", [x, counts], {}, F.poisson_nll_loss, gradients=[0])
    add("poissonNll", [x, counts], {"full": True}, lambda a, b: F.poisson_nll_loss(a, b, full=True), gradients=[0])
    add("poissonNll", [x.abs(), counts], {"logInput": False, "eps": 1e-3},
        lambda a, b: F.poisson_nll_loss(a, b, log_input=False, eps=1e-3), gradients=[0])


def binary():
    p = torch.tensor([[0.0, 0.2, 1.0], [0.9, 1.0, 1e-30], [0.5, 0.0, 0.7]])
    t = torch.tensor([[0.0, 1.0, 1.0], [0.3, 0.0, 1.0], [0.5, 1.0, 0.0]])
    w = torch.tensor([0.5, 2.0, 1.0])
    each_reduction("bce", [p, t], {}, F.binary_cross_entropy, gradients=[0])
    inside = torch.rand(3, 3) * 0.8 + 0.1
    add("bce", [inside, t], {}, lambda a, b: F.binary_cross_entropy(a, b, weight=w), {"weight": w})
    logits, labels = torch.randn(4, 3) * 3, torch.randint(0, 2, (4, 3)).double()
    each_reduction("multilabelSoftMargin", [logits, labels], {}, F.multilabel_soft_margin_loss, gradients=[0])
    add("multilabelSoftMargin", [logits, labels], {}, lambda a, b: F.multilabel_soft_margin_loss(a, b, weight=w), {"weight": w}, [0])
    each_reduction("softMargin", [logits, 2 * labels - 1], {}, F.soft_margin_loss, gradients=[0])

    def sigmoid_focal(x, y, alpha, gamma, reduction="mean"):  # torchvision.ops.sigmoid_focal_loss
        p = torch.sigmoid(x)
        ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
        loss = ce * (1 - (p * y + (1 - p) * (1 - y))) ** gamma
        return reduced(loss if alpha < 0 else (alpha * y + (1 - alpha) * (1 - y)) * loss, reduction)

    each_reduction("sigmoidFocal", [logits, labels], {}, lambda a, b, reduction: sigmoid_focal(a, b, 0.25, 2, reduction), gradients=[0])
    for alpha, gamma in ((-1, 0), (-1, 0.5), (0.6, 1.5), (0.5, 3)):
        add("sigmoidFocal", [logits, labels], {"alpha": alpha, "gamma": gamma}, lambda a, b: sigmoid_focal(a, b, alpha, gamma), gradients=[0])


def classes():
    logits, target = torch.randn(6, 4) * 3, torch.tensor([0, 3, 1, 2, 2, 0])
    w = torch.tensor([0.5, 2.0, 1.0, 0.25])

    def focal(x, y, gamma=2.0, weight=None, ignore=-100):
        logp = F.log_softmax(x, 1)
        keep = y != ignore
        at = logp.gather(1, y.clamp(min=0).unsqueeze(1)).squeeze(1)
        share = torch.ones_like(at) if weight is None else weight[y.clamp(min=0)]
        loss = -((1 - at.exp()) ** gamma) * at * share
        return (loss * keep).sum() / (share * keep).sum()

    add("focal", [logits, target], {}, focal)
    add("focal", [logits, target], {"gamma": 0.5}, lambda a, b: focal(a, b, 0.5))
    add("focal", [logits, target], {"gamma": 1.5, "ignoreIndex": 2}, lambda a, b: focal(a, b, 1.5, w, 2), {"weight": w})
    add("focal", [logits, target], {"gamma": 0}, lambda a, b: F.cross_entropy(a, b))
    x, t = F.log_softmax(torch.randn(3, 4), 1), torch.softmax(torch.randn(3, 4), 1)
    t[0, 1] = 0
    each_reduction("klDivergence", [x, t], {}, F.kl_div, gradients=[0])
    add("klDivergence", [x, t], {"reduction": "batchMean"}, lambda a, b: F.kl_div(a, b, reduction="batchmean"), gradients=[0])
    logs = torch.log_softmax(torch.randn(3, 4), 1)
    add("klDivergence", [x, logs], {"reduction": "batchMean", "logTarget": True},
        lambda a, b: F.kl_div(a, b, reduction="batchmean", log_target=True))
    for reduction in ("mean", "sum", "none"):
        add("multiMargin", [logits, target], {"reduction": reduction}, lambda a, b: F.multi_margin_loss(a, b, reduction=reduction))
    add("multiMargin", [logits, target], {"p": 2, "margin": 0.5}, lambda a, b: F.multi_margin_loss(a, b, p=2, margin=0.5, weight=w), {"weight": w})
    add("multiMargin", [logits[0], target[0]], {}, lambda a, b: F.multi_margin_loss(a, b))

    def dice(p, t, batch=False, squared=False, smooth=1e-5, reduction="mean"):
        axes = list(range(2, p.dim()))
        axes = [0] + axes if batch else axes
        top = 2 * (p * t).sum(axes) + smooth
        below = (p ** 2).sum(axes) + (t ** 2).sum(axes) if squared else p.sum(axes) + t.sum(axes)
        return reduced(1 - top / (below + smooth), reduction)

    pixels, truth = torch.randn(2, 3, 3, 2), torch.randint(0, 3, (2, 3, 2))
    hot = F.one_hot(truth, 3).permute(0, 3, 1, 2).double()
    for reduction in ("mean", "sum", "none"):
        add("dice", [pixels, truth], {"reduction": reduction}, lambda a, b: dice(a.softmax(1), hot, reduction=reduction))
    add("dice", [pixels, truth], {"batch": True, "squared": True, "smooth": 1},
        lambda a, b: dice(a.softmax(1), hot, True, True, 1))
    seen = (truth != 1).unsqueeze(1).double()
    add("dice", [pixels, truth], {"ignoreIndex": 1}, lambda a, b: dice(a.softmax(1) * seen, hot * seen))
    masks = torch.randint(0, 2, (2, 1, 3, 2)).double()
    add("dice", [pixels[:, :1], masks], {}, lambda a, b: dice(a.sigmoid(), b), gradients=[0])
    add("dice", [pixels[:, :1].sigmoid(), masks], {"fromLogits": False}, dice, gradients=[0])


def margins():
    x, t = torch.randn(3, 4), torch.sign(torch.randn(3, 4))
    each_reduction("hinge", [x, t], {}, lambda a, b, reduction: reduced((1 - a * b).clamp(min=0), reduction), gradients=[0])
    add("hinge", [x, t], {"margin": 0.3}, lambda a, b: (0.3 - a * b).clamp(min=0).mean(), gradients=[0])
    each_reduction("squaredHinge", [x, t], {}, lambda a, b, reduction: reduced((1 - a * b).clamp(min=0) ** 2, reduction), gradients=[0])
    each_reduction("hingeEmbedding", [x, t], {}, F.hinge_embedding_loss, gradients=[0])
    add("hingeEmbedding", [x, t], {"margin": 0.4}, lambda a, b: F.hinge_embedding_loss(a, b, margin=0.4), gradients=[0])
    y = torch.randn(3, 4)
    each_reduction("marginRanking", [x, y, t], {}, F.margin_ranking_loss, gradients=[0, 1])
    add("marginRanking", [x, y, t], {"margin": 0.5}, lambda a, b, c: F.margin_ranking_loss(a, b, c, margin=0.5), gradients=[0, 1])


def similarity():
    a, b, c = torch.randn(5, 3), torch.randn(5, 3), torch.randn(5, 3)
    sign = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0])
    a[4] = b[4] * 2
    each_reduction("cosineEmbedding", [a, b, sign], {}, F.cosine_embedding_loss, gradients=[0, 1])
    add("cosineEmbedding", [a, b, sign], {"margin": 0.3}, lambda x, y, t: F.cosine_embedding_loss(x, y, t, margin=0.3), gradients=[0, 1])
    add("cosineEmbedding", [torch.zeros(3), b[0], torch.tensor(1.0)], {}, F.cosine_embedding_loss, gradients=[0, 1])
    each_reduction("tripletMargin", [a, b, c], {}, F.triplet_margin_loss)
    add("tripletMargin", [a, b, c], {"margin": 2, "p": 1, "swap": True}, lambda x, y, z: F.triplet_margin_loss(x, y, z, margin=2, p=1, swap=True))
    add("tripletMargin", [a, b, c], {"p": 3, "eps": 0.1}, lambda x, y, z: F.triplet_margin_loss(x, y, z, p=3, eps=0.1))

    def contrastive(x, y, t, margin=1.0, reduction="mean"):
        d = (x - y).norm(dim=-1)
        return reduced(0.5 * (t * d ** 2 + (1 - t) * (margin - d).clamp(min=0) ** 2), reduction)

    same = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0])
    each_reduction("contrastive", [a, b, same], {"margin": 4}, lambda x, y, t, reduction: contrastive(x, y, t, 4, reduction), gradients=[0, 1])
    add("contrastive", [a, b * 0.1, same], {}, contrastive, gradients=[0, 1])

    def info_nce(x, y, temperature=0.07, symmetric=False, reduction="mean"):
        logits = F.normalize(x, dim=1) @ F.normalize(y, dim=1).T / temperature
        own = torch.arange(len(x))
        forth = F.cross_entropy(logits, own, reduction=reduction)
        return (forth + F.cross_entropy(logits.T, own, reduction=reduction)) / 2 if symmetric else forth

    each_reduction("infoNce", [a, b], {"temperature": 0.5}, lambda x, y, reduction: info_nce(x, y, 0.5, reduction=reduction))
    add("infoNce", [a, b], {"symmetric": True}, lambda x, y: info_nce(x, y, symmetric=True))

    def nt_xent(x, y, temperature=0.5, reduction="mean"):
        z = F.normalize(torch.cat([x, y]), dim=1)
        n = len(x)
        logits = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
        return F.cross_entropy(logits, (torch.arange(2 * n) + n) % (2 * n), reduction=reduction)

    each_reduction("ntXent", [a, b], {}, lambda x, y, reduction: nt_xent(x, y, reduction=reduction))
    add("ntXent", [a, b], {"temperature": 0.1}, lambda x, y: nt_xent(x, y, 0.1))


def ctc():
    """Gradients by the logits: PyTorch's gradient by the log-probabilities presumes a log-softmax before."""
    logits = torch.randn(4, 7, 5)
    target = torch.tensor([[1, 2, 2], [3, 3, 0], [4, 0, 0], [1, 2, 3]], dtype=torch.int32)
    inputs, labels = torch.tensor([7, 6, 4, 3], dtype=torch.int32), torch.tensor([3, 2, 1, 3], dtype=torch.int32)

    def run(x, y, a, b, **options):
        return F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), y, a.long(), b.long(), **options)

    each_reduction("ctc", [logits, target, inputs, labels], {}, run)
    add("ctc", [logits, target % 4, inputs, labels], {"blank": 4}, lambda *x: run(*x, blank=4))
    empty = torch.tensor([3, 0, 1, 3], dtype=torch.int32)
    short = torch.tensor([7, 6, 4, 2], dtype=torch.int32)
    add("ctc", [logits, target, inputs, empty], {"reduction": "none"}, lambda *x: run(*x, reduction="none"))
    for reduction in ("mean", "none"):
        add("ctc", [logits, target, short, labels], {"zeroInfinity": True, "reduction": reduction},
            lambda *x: run(*x, zero_infinity=True, reduction=reduction))
    one = torch.tensor([1], dtype=torch.int32)
    add("ctc", [logits[:1, :1], target[:1, :1], one, one], {}, run)


if __name__ == "__main__":
    torch.manual_seed(SEED + 20)
    for make in (regression, binary, classes, margins, similarity, ctc):
        make()
    write("losses-all", cases)

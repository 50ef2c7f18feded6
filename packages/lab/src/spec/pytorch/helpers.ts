/**
 * Layers and optimizers that PyTorch lacks, or has in another form, as Python. Names of parameters are those of the
 * library, so that the lab's weights fit. Who asks for them: layers.ts and training.ts.
 */

export const helpers = {
  RNN: sequence('RNN'),
  LSTM: sequence('LSTM'),
  GRU: sequence('GRU'),
  Residual: `class Residual(nn.Module):
    """x + body(x), or shortcut(x) + body(x)."""

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body = body
        if shortcut is not None:
            self.shortcut = shortcut

    def forward(self, x):
        around = self.shortcut(x) if hasattr(self, "shortcut") else x
        return around + self.body(x)`,
  Parallel: `class Parallel(nn.ModuleList):
    """The same input through several branches, whose outputs are joined."""

    def __init__(self, *branches, join, axis):
        super().__init__(branches)
        self.join, self.axis = join, axis

    def forward(self, x):
        outputs = [branch(x) for branch in self]
        if self.join == "concat":
            return torch.cat(outputs, self.axis)
        result = outputs[0]
        for output in outputs[1:]:
            result = result + output if self.join == "sum" else result * output
        return result`,
  Select: `class Select(nn.Module):
    """What stands at one place of an axis."""

    def __init__(self, axis, index):
        super().__init__()
        self.axis, self.index = axis, index

    def forward(self, x):
        return x.select(self.axis, self.index)`,
  Reshape: `class Reshape(nn.Module):
    """The numbers of each sample in another form."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(x.shape[0], *self.shape)`,
  GlobalPool: `class GlobalPool(nn.Module):
    """The mean, or the largest number, of each whole channel."""

    def __init__(self, kind, axes, keep):
        super().__init__()
        self.kind, self.axes, self.keep = kind, axes, keep

    def forward(self, x):
        axes = tuple(range(x.dim() - self.axes, x.dim()))
        return (x.mean if self.kind == "mean" else x.amax)(axes, keepdim=self.keep)`,
  DropPath: `class DropPath(nn.Module):
    """Sets whole samples to zero at random while training."""

    def __init__(self, p, scale):
        super().__init__()
        self.p, self.scale = p, scale

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        keep = torch.rand(x.shape[0], *[1] * (x.dim() - 1)) >= self.p
        return x * keep / (1 - self.p if self.scale else 1)`,
  Step: `class Step(nn.Module):
    """One from zero on, and zero below; with straight_through gradients pass as if it were not there."""

    def __init__(self, straight_through):
        super().__init__()
        self.straight_through = straight_through

    def forward(self, x):
        y = (x >= 0).to(x.dtype)
        return x + (y - x).detach() if self.straight_through else y`,
  Gated: `class Gated(nn.Module):
    """One half of an axis times an activation of the other."""

    def __init__(self, activation, axis, approximate="none"):
        super().__init__()
        self.activation, self.axis, self.approximate = activation, axis, approximate

    def forward(self, x):
        value, gate = x.chunk(2, self.axis)
        if self.activation == "gelu":
            return value * F.gelu(gate, approximate=self.approximate)
        return value * getattr(F, self.activation)(gate)`,
  LearnedPositions: `class LearnedPositions(nn.Module):
    """Adds learned numbers for each time."""

    def __init__(self, length, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(length, width) * 0.02)

    def forward(self, x):
        return x + self.weight[: x.shape[-2]]`,
  SinusoidalPositions: `class SinusoidalPositions(nn.Module):
    """Adds sines and cosines of the time."""

    def __init__(self, length, width, base=10000.0):
        super().__init__()
        column = torch.arange(width)
        angle = torch.arange(length)[:, None] / base ** ((column - column % 2) / width)
        self.register_buffer("table", torch.where(column % 2 == 0, angle.sin(), angle.cos()), persistent=False)

    def forward(self, x):
        return x + self.table[: x.shape[-2]]`,
  Attention: `class Attention(nn.Module):
    """Attention of every time to all others, or to those before it (causal)."""

    def __init__(self, width, heads, dropout=0.0, bias=True, causal=False, alibi=False, rotary=False):
        super().__init__()
        self.heads, self.dropout, self.causal, self.alibi, self.rotary = heads, dropout, causal, alibi, rotary
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width)) if bias else None
        self.out_proj = nn.Linear(width, width, bias=bias)

    def forward(self, x):
        batch, times, width = x.shape
        all_three = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (part.view(batch, times, self.heads, -1).transpose(1, 2) for part in all_three.chunk(3, -1))
        if self.rotary:
            q, k = turned(q), turned(k)
        bias = torch.zeros(times, times)
        place = torch.arange(times)
        if self.alibi:
            bias = -slopes(self.heads)[:, None, None] * (place[:, None] - place).abs()
        if self.causal:
            bias = bias.masked_fill(place > place[:, None], float("-inf"))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(x.dtype), dropout_p=self.dropout if self.training else 0.0)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, times, width))


def slopes(heads):
    """How fast the attention of each head falls with the distance (Press et al. 2021)."""
    below = 2 ** (heads.bit_length() - 1)

    def row(n):
        return [2 ** (-8 * (h + 1) / n) for h in range(n)]

    return torch.tensor((row(below) + row(2 * below)[::2])[:heads])


def turned(x, base=10000.0):
    """Pairs of numbers turned by an angle that grows with the place (Su et al. 2021): the first half with the second."""
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * base ** (-torch.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)`,
  Block: `class Block(nn.Module):
    """Attention and two linear layers, each with a way around."""

    def __init__(self, width, heads, feed_forward, dropout, activation, norm, norm_first, eps, bias, **attention):
        super().__init__()
        self.activation, self.norm_first = activation, norm_first
        gated = activation in ("glu", "reglu", "geglu", "swiglu")
        self.self_attn = Attention(width, heads, dropout, bias, **attention)
        self.linear1 = nn.Linear(width, (2 if gated else 1) * feed_forward, bias=bias)
        self.linear2 = nn.Linear(feed_forward, width, bias=bias)
        self.norm1, self.norm2 = norm_of(norm, width, eps, bias), norm_of(norm, width, eps, bias)
        self.dropout = nn.Dropout(dropout)

    def active(self, x):
        plain = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu, "geluTanh": lambda x: F.gelu(x, approximate="tanh")}
        if self.activation in plain:
            return plain[self.activation](x)
        gate, value = x.chunk(2, -1)
        return {"glu": torch.sigmoid, "reglu": F.relu, "geglu": F.gelu, "swiglu": F.silu}[self.activation](gate) * value

    def feed(self, x):
        return self.linear2(self.dropout(self.active(self.linear1(x))))

    def forward(self, x):
        for norm, change in ((self.norm1, self.self_attn), (self.norm2, self.feed)):
            x = x + self.dropout(change(norm(x))) if self.norm_first else norm(x + self.dropout(change(x)))
        return x


def norm_of(kind, width, eps, bias):
    return nn.RMSNorm(width, eps=eps) if kind == "rms" else nn.LayerNorm(width, eps=eps, bias=bias)`,
  Blocks: `class Blocks(nn.Module):
    """Blocks of attention one after the other."""

    def __init__(self, width, heads, layers, final_norm=False, **options):
        super().__init__()
        self.layers = nn.ModuleList(Block(width, heads, **options) for _ in range(layers))
        if final_norm:
            self.norm = norm_of(options["norm"], width, options["eps"], options["bias"])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) if hasattr(self, "norm") else x`,
  LanguageModel: `class LanguageModel(nn.Module):
    """Reads letters and says which comes next, without seeing the future."""

    def __init__(self, vocab, width, layers, heads, context, positions, tied, dropout, **options):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        if positions == "learned":
            self.positions = LearnedPositions(context, width)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(context, width)
        self.dropout = nn.Dropout(dropout)
        self.transformer = Blocks(
            width, heads, layers, final_norm=True, dropout=dropout, norm_first=True, causal=True,
            alibi=positions == "alibi", rotary=positions == "rotary", **options,
        )
        if not tied:
            self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens):
        x = self.embedding(tokens)
        x = self.positions(x) if hasattr(self, "positions") else x
        x = self.transformer(self.dropout(x))
        return self.head(x) if hasattr(self, "head") else x @ self.embedding.weight.T`,
  Lion: `class Lion(torch.optim.Optimizer):
    """Only the sign of a mean gradient (Chen et al. 2023)."""

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                direction = (b1 * m + (1 - b1) * p.grad).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * direction)
                m.mul_(b2).add_(p.grad, alpha=1 - b2)`,
  Lamb: `class Lamb(torch.optim.Optimizer):
    """Adam whose steps are as long as the weights of the layer (You et al. 2020)."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                state["t"] = t = state.get("t", 0) + 1
                m, v = state.setdefault("m", torch.zeros_like(p)), state.setdefault("v", torch.zeros_like(p))
                m.mul_(b1).add_(p.grad, alpha=1 - b1)
                v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                r = m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                weights, length = p.norm(), r.norm()
                p.sub_(group["lr"] * (weights / length if weights > 0 and length > 0 else 1.0) * r)`,
  Muon: `class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal, for matrices (Jordan 2024); what is no matrix goes to AdamW."""

    def __init__(self, parameters, lr, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5, rest_lr=3e-4):
        parameters = list(parameters)
        super().__init__([p for p in parameters if p.dim() == 2], dict(lr=lr))
        self.options = weight_decay, momentum, nesterov, ns_steps
        self.rest = torch.optim.AdamW([p for p in parameters if p.dim() != 2], lr=rest_lr)

    @torch.no_grad()
    def step(self):
        weight_decay, momentum, nesterov, ns_steps = self.options
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - momentum)
                x = m.lerp(p.grad, 1 - momentum) if nesterov else m
                tall = x.shape[0] > x.shape[1]
                x = x.T if tall else x
                x = x / x.norm().clamp(min=1e-7)
                for _ in range(ns_steps):
                    square = x @ x.T
                    x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
                x = x.T if tall else x
                p.mul_(1 - group["lr"] * weight_decay).sub_(group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5 * x)
        self.rest.step()`,
} as const
export type HelperName = keyof typeof helpers

/** Which helpers a helper needs. */
export const needs: Readonly<Partial<Record<HelperName, readonly HelperName[]>>> = {
  Block: ['Attention'],
  Blocks: ['Block', 'Attention'],
  LanguageModel: ['LearnedPositions', 'SinusoidalPositions', 'Attention', 'Block', 'Blocks'],
}

function sequence(name: 'RNN' | 'LSTM' | 'GRU'): string {
  return `class ${name}(nn.${name}):
    """What it gives out at every time, without its last memory."""

    def forward(self, x):
        return super().forward(x)[0]`
}

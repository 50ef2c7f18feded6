"""Whole networks, one of each family: state dict, outputs, every gradient by name, ten steps of training, buffers.

    venv/bin/python make_architectures.py

The same networks stand in architectures-spaces.ts and architectures-sequences.ts, with the same names of fields.
Weights, buffers and inputs are numbers of float32 (computed with in float64), so that nothing of them is lost on the
way. Two of the state dicts are also written as files of safetensors and PyTorch, in float32, for io.
"""

import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from common import SEED, listed, write
from make_attention import Block, Gpt

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "architectures"


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 8), nn.GELU(), nn.Dropout(0), nn.Linear(8, 4))

    def forward(self, x):
        return self.layers(x)


def conv_norm(i, o, size, stride=1, groups=1, act=None):
    layers = [nn.Conv2d(i, o, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([act] if act else []))


class Inverted(nn.Module):
    """Wide in the middle, where each channel is filtered by itself (MobileNet v2)."""

    def __init__(self, width, inner):
        super().__init__()
        self.expand = conv_norm(width, inner, 1, act=nn.ReLU6())
        self.depthwise = conv_norm(inner, inner, 3, groups=inner, act=nn.ReLU6())
        self.project = conv_norm(inner, width, 1)

    def forward(self, x):
        return x + self.project(self.depthwise(self.expand(x)))


class Basic(nn.Module):
    """Two convolutions and a way around (ResNet)."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o, momentum=0.2)
        self.downsample = conv_norm(i, o, 1, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_norm(2, 4, 3, act=nn.ReLU())
        self.layer1, self.layer2 = Inverted(4, 8), Basic(4, 6, 2)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.pool(self.layer2(self.layer1(self.stem(x)))).flatten(1))


def double_conv(i, o):
    parts = [[nn.Conv2d(a, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU()] for a in (i, o)]
    return nn.Sequential(*parts[0], *parts[1])


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.bottom = double_conv(1, 3), double_conv(3, 5), double_conv(5, 6)
        self.up2, self.join2 = nn.ConvTranspose2d(6, 5, 2, 2), double_conv(10, 5)
        self.up1, self.join1 = nn.ConvTranspose2d(5, 3, 3, 2, 1, 1), double_conv(6, 3)
        self.head = nn.Conv2d(3, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.join2(torch.cat([self.up2(self.bottom(F.max_pool2d(b, 2))), b], 1))
        return self.head(self.join1(torch.cat([self.up1(c), a], 1)))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(2, 6, 3, 2, 1), nn.GroupNorm(2, 6), nn.SiLU(), nn.Flatten(), nn.Linear(36, 5), nn.LayerNorm(5))
        self.decoder = nn.Sequential(
            nn.Linear(5, 36), nn.Mish(), nn.Unflatten(1, (6, 6)), nn.ConvTranspose1d(6, 4, 4, 2, 1), nn.GroupNorm(4, 4),
            nn.ELU(), nn.Conv1d(4, 2, 3, padding=1, padding_mode="replicate"))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class MixerBlock(nn.Module):
    def __init__(self, patches, width, inner):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token1, self.token2 = [nn.Parameter(0.4 * torch.randn(s)) for s in ((inner, patches), (patches, inner))]
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        mixed = torch.einsum("bpc,hp->bhc", self.norm1(x), self.token1)
        x = x + torch.einsum("bhc,ph->bpc", F.gelu(mixed, approximate="tanh"), self.token2)
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(1, 6, 2, 2)
        self.blocks = nn.ModuleList([MixerBlock(9, 6, 8) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 3)

    def forward(self, x):
        y = self.patch(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            y = block(y)
        return self.head(self.norm(y).mean(1))


class Dilated(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.conv = parametrizations.weight_norm(nn.Conv1d(width, 2 * width, 3, dilation=dilation))
        self.dilation = dilation

    def forward(self, x):
        a, b = self.conv(F.pad(x, (2 * self.dilation, 0))).chunk(2, 1)
        return x + a.tanh() * b.sigmoid()


class Temporal(nn.Module):
    """Convolutions that look back only, further in each layer (WaveNet)."""

    def __init__(self):
        super().__init__()
        self.start = nn.Conv1d(2, 5, 1)
        self.layers = nn.Sequential(*[Dilated(5, 2**i) for i in range(3)])
        self.end = nn.Conv1d(5, 1, 1)

    def forward(self, x):
        return self.end(self.layers(self.start(x)))


class LstmClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5, padding_idx=0)
        self.lstm = nn.LSTM(5, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.head(h[-1])


class GruTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.gru = nn.GRU(4, 5, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 4)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return self.head(y)


class EncoderClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(12, 8, padding_idx=0), nn.Embedding(6, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        there = tokens != 0
        x = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]
        y = self.encoder(x, src_key_padding_mask=~there) * there[..., None]
        return self.head(y.sum(1) / there.sum(1, keepdim=True))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.transformer = nn.Module()
        self.transformer.layers = nn.ModuleList([Block(8, 4, 2, 12, True, F.silu) for _ in range(2)])
        self.transformer.norm = nn.RMSNorm(8, eps=1e-5)
        self.head = nn.Linear(8, 11, bias=False)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.transformer.layers:
            x = layer(x)
        return self.head(self.transformer.norm(x))


class Sequences(nn.Module):
    """From one sequence to another, with pre-norm, and padding on both sides."""

    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(9, 8, padding_idx=0), nn.Embedding(8, 8, padding_idx=0)
        self.source_positions, self.target_positions = nn.Embedding(6, 8), nn.Embedding(6, 8)
        self.transformer = nn.Transformer(8, 2, 2, 2, 10, 0.0, "gelu", norm_first=True, batch_first=True)
        self.transformer.encoder.enable_nested_tensor = False
        self.generator = nn.Linear(8, 8)

    def forward(self, source, target):
        s, t = source.shape[1], target.shape[1]
        y = self.transformer(
            self.source(source) + self.source_positions.weight[:s],
            self.target(target) + self.target_positions.weight[:t],
            tgt_mask=torch.ones(t, t).triu(1).bool(), src_key_padding_mask=source == 0,
            tgt_key_padding_mask=target == 0, memory_key_padding_mask=source == 0)
        return self.generator(y)


def groups(model):
    """Weight decay for matrices alone."""
    few = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": few, "weight_decay": 0}, {"params": [p for p in model.parameters() if p.dim() > 1]}]


def warm_cosine(optimizer, steps, warm_up):
    """Up in a straight line, then half a cosine down to 0."""
    def factor(at):
        return (at + 1) / (warm_up + 1) if at < warm_up else (1 + math.cos(math.pi * (at - warm_up) / (steps - warm_up))) / 2
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def single(t):
    """The nearest numbers of float32."""
    return t.float().double() if t.is_floating_point() else t


def randomize(model):
    """Biases and norms begin as zeros and ones, running statistics too, which would hide mistakes."""
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(single(p + 0.3 * torch.randn_like(p) if p.dim() < 2 else p))
        for name, b in model.named_buffers():
            if name.endswith("mean"):
                b.copy_(single(0.3 * torch.randn_like(b)))
            elif name.endswith("var"):
                b.copy_(single(0.5 + torch.rand_like(b)))
            else:
                b.fill_(7)
        for m in model.modules():
            if isinstance(m, nn.Embedding) and m.padding_idx is not None:
                m.weight[m.padding_idx] = 0


def train(model, inputs, loss, optimizer, schedule=None, clip=None):
    """The first gradients, ten losses, and the state after them."""
    model.train()
    losses, gradients = [], None
    for _ in range(10):
        optimizer.zero_grad()
        value = loss(model(*inputs))
        value.backward()
        if gradients is None:
            gradients = {n: listed(p.grad) for n, p in model.named_parameters()}
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(float(f"{value.item():.9g}"))
    return {"gradients": gradients, "losses": losses, "buffers": {n: listed(b) for n, b in model.named_buffers()}}


def case(name, model, batch, loss, make, fixture=False, **more):
    """`batch` names the inputs of the network first, then what the loss wants."""
    randomize(model)
    batch = {n: single(t) for n, t in batch.items()}
    inputs = [t for n, t in batch.items() if n in ("x", "tokens", "lengths", "source", "input")]
    state = {n: listed(t) for n, t in model.state_dict().items()}
    if fixture:
        FIXTURES.mkdir(parents=True, exist_ok=True)
        plain = {n: t.float() if t.is_floating_point() else t for n, t in model.state_dict().items()}
        save_file(plain, FIXTURES / f"{name}.safetensors")
        (FIXTURES / f"{name}.safetensors").chmod(0o644)
        torch.save(plain, FIXTURES / f"{name}.pt")
    with torch.no_grad():
        y = model.eval()(*inputs)
    optimizer = make(model)
    schedule = more.pop("schedule", None)
    trained = train(model, inputs, lambda y: loss(y, batch), optimizer, schedule and schedule(optimizer), **more)
    with torch.no_grad():
        after = model.eval()(*inputs)
    return {"name": name, "batch": {n: listed(t) for n, t in batch.items()}, "state": state, "y": listed(y),
            **trained, "after": listed(after)}


def sgd(**options):
    return lambda model: torch.optim.SGD(model.parameters(), **options)


def adamw(**options):
    return lambda model: torch.optim.AdamW(model.parameters(), **options)


def spaces():
    torch.manual_seed(SEED + 60)
    return [
        case("perceptron", Perceptron(), {"x": torch.randn(5, 6), "y": torch.tensor([0, 3, 1, 1, 2])},
             lambda y, b: F.cross_entropy(y, b["y"], label_smoothing=0.1), sgd(lr=0.1, momentum=0.9, nesterov=True)),
        case("residual", ResidualNet(), {"x": torch.randn(4, 2, 6, 6), "y": torch.tensor([0, 2, 1, 2])},
             lambda y, b: F.cross_entropy(y, b["y"]), adamw(lr=0.01), fixture=True),
        case("unet", UNet(), {"x": torch.randn(2, 1, 8, 8), "y": (torch.rand(2, 1, 8, 8) < 0.4).double()},
             lambda y, b: F.binary_cross_entropy_with_logits(y, b["y"], pos_weight=torch.tensor(2.0)),
             sgd(lr=0.05, momentum=0.9, weight_decay=0.01)),
        case("autoencoder", Autoencoder(), {"x": torch.randn(4, 2, 12)}, lambda y, b: F.mse_loss(y, b["x"]),
             adamw(lr=0.02, betas=(0.8, 0.95))),
        case("mixer", Mixer(), {"x": torch.randn(4, 1, 6, 6), "y": torch.tensor([1, 0, 2, 2])},
             lambda y, b: F.cross_entropy(y, b["y"]), sgd(lr=0.1)),
        case("temporal", Temporal(), {"x": torch.randn(3, 2, 10), "y": torch.randn(3, 1, 10)},
             lambda y, b: F.huber_loss(y, b["y"], delta=0.5), adamw(lr=0.02)),
    ]


def sequences():
    torch.manual_seed(SEED + 61)
    lengths = torch.tensor([6, 2, 4, 1])
    cut = torch.arange(6) < lengths[:, None]
    tokens = torch.randint(1, 11, (4, 6)) * cut
    tags = torch.where(cut, torch.randint(0, 4, (4, 6)), -100)
    weight = torch.tensor([1.0, 2.0, 0.5])
    return [
        case("lstm", LstmClassifier(), {"tokens": tokens, "lengths": lengths, "y": torch.tensor([2, 0, 1, 1])},
             lambda y, b: F.cross_entropy(y, b["y"], weight), adamw(lr=0.02), fixture=True),
        case("gru", GruTagger(), {"tokens": tokens % 10, "lengths": lengths, "y": tags},
             lambda y, b: F.cross_entropy(y.flatten(0, 1), b["y"].flatten()), sgd(lr=0.5, momentum=0.9), clip=0.3),
    ]


def transformers():
    torch.manual_seed(SEED + 62)
    lengths = torch.tensor([6, 2, 4])
    cut = torch.arange(6) < lengths[:, None]
    tokens = torch.randint(1, 12, (3, 6)) * cut
    text = torch.randint(0, 11, (3, 7))
    source, target = torch.randint(1, 9, (3, 6)) * cut, torch.randint(1, 8, (3, 6)) * cut.flip(0)
    following = lambda y, b: F.cross_entropy(y.flatten(0, 1), b["y"].flatten())
    return [
        case("encoder", EncoderClassifier(), {"tokens": tokens, "y": torch.tensor([2, 0, 1])},
             lambda y, b: F.cross_entropy(y, b["y"]), lambda model: torch.optim.AdamW(groups(model), 0.01, weight_decay=0.1)),
        case("gpt", Gpt(11, 8, 2, 2, 7, True), {"tokens": text[:, :-1], "y": text[:, 1:]}, following, adamw(lr=0.01),
             schedule=lambda o: warm_cosine(o, 10, 3), clip=1.0),
        case("llama", Llama(), {"tokens": text[:, :-1], "y": text[:, 1:]}, following, adamw(lr=0.01)),
        case("sequences", Sequences(), {"source": source, "input": target[:, :-1], "y": target[:, 1:]},
             lambda y, b: F.cross_entropy(y.flatten(0, 1), b["y"].flatten(), ignore_index=0, label_smoothing=0.1),
             adamw(lr=0.01)),
    ]


if __name__ == "__main__":
    write("architectures-spaces", spaces())
    write("architectures-sequences", sequences())
    write("architectures-transformers", transformers())
